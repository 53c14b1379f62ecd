import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { useText } from '../i18n/language.js';
import { Icon } from '../ui/icon.js';
import { ConnectionState } from './connection-state.js';
import { ConversationList } from './conversation-list.js';
import { GuestNotice } from './guest-notice.js';
import { SideContext } from './side.js';
import { UserMenu } from './user-menu.js';
import { VerificationBanner } from './verification-banner.js';
import './shell.css';

const NARROW = '(max-width: 48rem)';

/** The frame of all pages: the conversations at the side, or behind a button on a phone. */
export function Shell({ children }: { children: ReactNode }) {
  const t = useText();
  const [path, navigate] = useLocation();
  // A link of the list closes it, because it leads to another path.
  const [openAt, setOpenAt] = useState<string | null>(null);
  const isOpen = openAt === path;
  const isNarrow = useMatch(NARROW);
  const opener = useRef<HTMLButtonElement>(null);
  const closer = useRef<HTMLButtonElement>(null);
  const [side, setSide] = useState<HTMLElement | null>(null);
  const isDrawer = isNarrow && isOpen;

  useEffect(() => {
    if (!isDrawer) return;
    closer.current?.focus();
    const button = opener.current;
    const closeByKey = (event: KeyboardEvent) => {
      // Escape closes what is above the list first.
      if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
      setOpenAt(null);
    };
    addEventListener('keydown', closeByKey);
    return () => {
      removeEventListener('keydown', closeByKey);
      button?.focus();
    };
  }, [isDrawer]);

  return (
    <div className="shell">
      <a className="skip-link" href="#main">
        {t.skipToChat}
      </a>
      {isNarrow && (
        <button
          ref={opener}
          type="button"
          className="icon-button open-list"
          aria-expanded={isOpen}
          inert={isOpen}
          title={t.openList}
          onClick={() => setOpenAt(path)}
        >
          <Icon name="menu" />
          <span className="visually-hidden">{t.openList}</span>
        </button>
      )}
      <nav
        ref={setSide}
        className={isDrawer ? 'side open' : 'side'}
        aria-label={t.conversations}
        inert={isNarrow && !isOpen}
      >
        <div className="side-head">
          <a
            className="brand"
            href="/"
            onClick={(event) => {
              event.preventDefault();
              navigate('/');
            }}
          >
            {t.appName}
          </a>
          {isNarrow && (
            <button
              ref={closer}
              type="button"
              className="icon-button"
              title={t.closeList}
              onClick={() => setOpenAt(null)}
            >
              <Icon name="close" />
              <span className="visually-hidden">{t.closeList}</span>
            </button>
          )}
        </div>
        <SideContext value={side}>
          <ConversationList />
          <GuestNotice />
          <UserMenu />
        </SideContext>
      </nav>
      {isDrawer && <div className="veil" onClick={() => setOpenAt(null)} />}
      <div className="stage" inert={isDrawer}>
        <div>
          <ConnectionState />
          <VerificationBanner />
        </div>
        {children}
      </div>
    </div>
  );
}

function useMatch(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const update = () => setMatches(list.matches);
    list.addEventListener('change', update);
    return () => list.removeEventListener('change', update);
  }, [query]);
  return matches;
}
