import type { ReactNode } from 'react';
import { Icon, type IconName } from './icon.js';

interface NoticeProps {
  kind?: 'warn' | 'bad' | 'good';
  icon?: IconName;
  children: ReactNode;
}

/** Tells what went wrong, or right. Screen readers announce it when it appears. */
export function Notice({ kind = 'bad', icon = kind === 'good' ? 'check' : 'alert', children }: NoticeProps) {
  return (
    <div className={`notice ${kind}`} role={kind === 'good' ? 'status' : 'alert'}>
      <Icon name={icon} />
      <div className="notice-body">{children}</div>
    </div>
  );
}
