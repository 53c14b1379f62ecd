import * as parley from '@parley/client';
import { createParleyExchanges, useAnswer } from '@parley/client/urql';
import { useMemo, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { Client, Provider, useClient, useMutation, useQuery, useSubscription } from 'urql';
import * as views from '../../shared/views.js';

const session = parley.createSession({ url: '/graphql' });
const createClient = () =>
  new Client({ url: session.url, preferGetMethod: false, ...createParleyExchanges(session, { transport: 'sse' }) });

function Message({ id }: { id: string }) {
  const message = useAnswer(id); // Follows it while it is generated.
  return message && <views.Message {...message} />;
}

function Conversation({ id, open }: { id: string; open: (id: string) => void }) {
  const client = useClient();
  const [{ data }] = useQuery({ query: parley.ConversationDocument, variables: { id, last: 30 }, pause: !id });
  const [{ error }, ask] = useMutation(parley.AskQuestionDocument);
  const [, stop] = useMutation(parley.StopAnswerDocument);
  const [, regenerate] = useMutation(parley.RegenerateAnswerDocument);
  return (
    <views.Conversation
      conversation={id ? data?.conversation : undefined}
      Message={Message}
      error={error}
      loadEarlier={(before) => client.query(parley.ConversationDocument, { id, last: 30, before }).toPromise()}
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
  const client = useClient();
  const { id, open, search, setSearch } = views.useNavigation();
  const [{ data }] = useQuery({ query: parley.ConversationsDocument, variables: { first: 20, search } });
  useSubscription({ query: parley.ConversationUpdatesDocument, variables: {} });
  return (
    <views.Layout
      conversations={data?.conversations}
      loadMore={(after) => client.query(parley.ConversationsDocument, { first: 20, search, after }).toPromise()}
      search={setSearch}
      open={open}
      signOut={() => session.signOut()}
    >
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
