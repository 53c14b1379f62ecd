import * as Menu from '@radix-ui/react-dropdown-menu';
import { useSession } from '@parley/client/react';
import { use, useState } from 'react';
import { useLocation } from 'wouter';
import { LANGUAGES, useLanguage, useText, type Language } from '../i18n/language.js';
import { Icon } from '../ui/icon.js';
import { applyTheme, readTheme, type Theme } from '../ui/theme.js';
import { serverFacts } from './server-facts.js';
import { SideContext } from './side.js';

const THEMES = ['system', 'light', 'dark'] as const;

/** The account, colors and language, reports for administrators, and the way out. */
export function UserMenu() {
  const t = useText();
  const { session, user } = useSession();
  const [path, navigate] = useLocation();
  const { language, choose } = useLanguage();
  const [theme, setTheme] = useState(readTheme);
  const side = use(SideContext);
  const { version, playground } = serverFacts;
  if (!user) return null;
  const isGuest = user.role === 'GUEST';
  const name = user.name ?? user.email ?? (isGuest ? t.guest : t.account);
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="user">
        <span className="initial" aria-hidden="true">
          {[...name][0]!.toUpperCase()}
        </span>
        <span className="user-name">
          <span>{name}</span>
          {user.name && <small>{user.email}</small>}
        </span>
        <Icon name="more" />
      </Menu.Trigger>
      <Menu.Portal container={side}>
        <Menu.Content className="menu user-menu" side="top" align="start" sideOffset={6} collisionPadding={8}>
          <Menu.Item className="menu-item" onSelect={() => navigate('/account')}>
            <Icon name="user" />
            {t.account}
          </Menu.Item>
          {user.role === 'ADMIN' && (
            <Menu.Item className="menu-item" onSelect={() => navigate('/reports')}>
              <Icon name="chart" />
              {t.reports}
            </Menu.Item>
          )}
          <Menu.Separator className="menu-separator" />
          <Menu.Label className="menu-label">{t.theme}</Menu.Label>
          <Menu.RadioGroup
            value={theme}
            onValueChange={(value) => {
              applyTheme(value as Theme);
              setTheme(value as Theme);
            }}
          >
            {THEMES.map((name) => (
              <Choice key={name} value={name} label={t.themes[name]} />
            ))}
          </Menu.RadioGroup>
          <Menu.Label className="menu-label">{t.language}</Menu.Label>
          <Menu.RadioGroup value={language} onValueChange={(value) => void choose(value as Language)}>
            {Object.entries(LANGUAGES).map(([code, name]) => (
              <Choice key={code} value={code} label={name} lang={code} />
            ))}
          </Menu.RadioGroup>
          <Menu.Separator className="menu-separator" />
          {playground && (
            <Menu.Item className="menu-item" asChild>
              <a href="/graphql" target="_blank">
                <Icon name="playground" />
                {t.playground}
              </a>
            </Menu.Item>
          )}
          {isGuest ? (
            // Signing out would lose the conversations.
            <Menu.Item className="menu-item" onSelect={() => navigate('/sign-in', { state: { from: path } })}>
              <Icon name="user" />
              {t.signIn}
            </Menu.Item>
          ) : (
            <Menu.Item className="menu-item" onSelect={() => void session.signOut()}>
              <Icon name="signOut" />
              {t.signOut}
            </Menu.Item>
          )}
          <Menu.Label className="menu-label">
            {t.appName} {version}. {t.documentation}
          </Menu.Label>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

const Choice = ({ value, label, lang }: { value: string; label: string; lang?: string }) => (
  // The menu stays open, so that the choice can be seen.
  <Menu.RadioItem className="menu-item" value={value} lang={lang} onSelect={(event) => event.preventDefault()}>
    {label}
    <span className="check">
      <Icon name="check" />
    </span>
  </Menu.RadioItem>
);
