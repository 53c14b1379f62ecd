/** A page for each adapter, with the real libraries: ?assistant-ui and ?ai-sdk. The conversation is in the hash. */
import { createSession } from '@parley/client';
import { createRoot } from 'react-dom/client';
import { AiSdkPage } from './ai-sdk-page.js';
import { AssistantUiPage } from './assistant-ui-page.js';

const session = createSession({ url: '/graphql' });
const id = location.hash.slice(1) || null;
const onConversation = (created: string) => void (location.hash = created);
const page = location.search.includes('ai-sdk') ? AiSdkPage : AssistantUiPage;

/** The test signs in with a token of its own. */
Object.assign(window, { signIn: (email: string, password: string) => session.signIn({ email, password }).then(start) });
function start() {
  const Page = page;
  createRoot(document.getElementById('root')!).render(
    <Page session={session} id={id} onConversation={onConversation} />,
  );
}
if (session.user) start();
