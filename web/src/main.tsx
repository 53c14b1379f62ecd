import { createChat, createSession, type Session } from '@parley/client';
import { ParleyProvider } from '@parley/client/react';
import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { onBlockedWebSockets } from './blocked-websockets.js';
import { LanguageContext, LanguageStore } from './i18n/language.js';
import { applyTheme, readTheme } from './ui/theme.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';

/** The chat over WebSockets, or over event streams where a network blocks those. */
function Root({ session }: { session: Session }) {
  const [{ chat, transport }, setState] = useState(() => open(session, 'websocket'));
  useEffect(() => {
    if (transport === 'sse') return;
    return onBlockedWebSockets(chat, () => {
      setState(open(session, 'sse'));
      chat[Symbol.dispose]();
    });
  }, [chat, transport, session]);
  return (
    <ParleyProvider chat={chat}>
      <App />
    </ParleyProvider>
  );
}

const open = (session: Session, transport: 'websocket' | 'sse') => ({
  chat: createChat(session, { transport }),
  transport,
});

applyTheme(readTheme());
const languages = new LanguageStore();
await languages.start();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <LanguageContext value={languages}>
      <Root session={createSession({ url: '/graphql' })} />
    </LanguageContext>
  </StrictMode>,
);
