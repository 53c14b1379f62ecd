import { useState, type ReactNode } from 'react';
import { ErrorText } from './error-text.js';
import { Icon, type IconName } from './icon.js';

interface CommandButtonProps {
  className: string;
  icon?: IconName;
  /** Shown beside the cursor, for a button without a visible text. */
  title?: string;
  run: () => Promise<unknown>;
  children?: ReactNode;
}

/** A button for a request to the server. It cannot be pressed again until the request has ended, and shows its error. */
export function CommandButton({ className, icon, title, run, children }: CommandButtonProps) {
  const [state, setState] = useState<{ isRunning: boolean; error?: unknown }>({ isRunning: false });
  const start = () => {
    setState({ isRunning: true });
    run().then(
      () => setState({ isRunning: false }),
      (error: unknown) => setState({ isRunning: false, error }),
    );
  };
  return (
    <>
      <button
        type="button"
        className={className}
        title={title}
        aria-label={children ? undefined : title}
        disabled={state.isRunning}
        onClick={start}
      >
        {state.isRunning ? <span className="spinner" /> : icon && <Icon name={icon} />}
        {children}
      </button>
      {state.error !== undefined && <ErrorText error={state.error} />}
    </>
  );
}
