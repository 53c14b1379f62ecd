import { createChat, createSession } from '@parley/client';
import { ParleyProvider } from '@parley/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { LanguageContext, LanguageStore } from './i18n/language.js';
import { applyTheme, readTheme } from './ui/theme.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';

applyTheme(readTheme());
const languages = new LanguageStore();
await languages.start();
const chat = createChat(createSession({ url: '/graphql' }));
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <LanguageContext value={languages}>
      <ParleyProvider chat={chat}>
        <App />
      </ParleyProvider>
    </LanguageContext>
  </StrictMode>,
);
