import * as parley from '@parley/client';
import { createParleyExchanges, useAnswer } from '@parley/client/urql';
import { useMemo, useState, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { Client, Provider, useMutation, useQuery, useSubscription } from 'urql';
import * as views from '../../shared/views.js';

const session = parley.createSession({ url: '/graphql' });
function createClient() {
  const { exchanges } = createParleyExchanges(session, { transport: 'sse' });
  return new Client({ url: session.url, exchanges, preferGetMethod: false });
}

function Message({ id }: { id: string }) {
  const message = useAnswer(id); // Follows it while it is generated.
  return message && <views.Message {...message} />;
}

function Conversation({ id, open }: { id: string; open: (id: string) => void }) {
  const [{ data }] = useQuery({ query: parley.ConversationDocument, variables: { id, last: 30 }, pause: !id });
  const [{ error }, ask] = useMutation(parley.AskQuestionDocument);
  const [, stop] = useMutation(parley.StopAnswerDocument);
  const [, regenerate] = useMutation(parley.RegenerateAnswerDocument);
  const messages = (id && data?.conversation?.messages.edges.map(({ node }) => node)) || [];
  return (
    <views.Conversation
      children={messages.map((message) => (
        <Message key={message.id} id={message.id} />
      ))}
      isMissing={id !== '' && data?.conversation === null}
      last={messages.at(-1)}
      error={error}
      ask={async (question) => {
        const { data } = await ask({ input: { question, conversationId: id || null } });
        if (data) open(data.askQuestion.conversation.id);
      }}
      stop={(answerId) => stop({ input: { answerId } })}
      regenerate={(answerId) => regenerate({ input: { answerId } })}
    />
  );
}

function Chat() {
  const [id, setId] = useState(location.hash.slice(1));
  const [{ data }] = useQuery({ query: parley.ConversationsDocument, variables: { first: 20 } });
  useSubscription({ query: parley.ConversationUpdatesDocument, variables: {} });
  const conversations = data?.conversations.edges.map(({ node }) => node) ?? [];
  const open = (id: string) => setId((location.hash = id));
  return (
    <views.Layout conversations={conversations} open={open} signOut={() => session.signOut()}>
      <Conversation id={id} open={open} />
    </views.Layout>
  );
}

function App() {
  const { user } = useSyncExternalStore(session.subscribe, session.getSnapshot);
  // A client for each user, so that nobody sees what another has left in the cache.
  const client = useMemo(createClient, [user?.id]);
  if (!user) return <views.SignIn submit={(action, input) => session[action](input)} />;
  return <Provider value={client} children={<Chat />} />;
}

createRoot(document.getElementById('root')!).render(<App />);
