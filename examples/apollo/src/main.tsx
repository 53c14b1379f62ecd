import { ApolloClient, InMemoryCache } from '@apollo/client';
import { ApolloProvider, useMutation, useQuery, useSubscription } from '@apollo/client/react';
import * as parley from '@parley/client';
import { createParleyLink, typePolicies, useAnswer } from '@parley/client/apollo';
import { useMemo, useState, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import * as views from '../../shared/views.js';

const session = parley.createSession({ url: '/graphql' });
function createClient() {
  return new ApolloClient({ link: createParleyLink(session), cache: new InMemoryCache({ typePolicies }) });
}

function Message({ id }: { id: string }) {
  const message = useAnswer(id); // Follows it while it is generated.
  return message && <views.Message {...message} />;
}

function Conversation({ id, open }: { id: string; open: (id: string) => void }) {
  const { data } = useQuery(parley.ConversationDocument, { variables: { id, last: 30 }, skip: !id });
  const [ask, { error }] = useMutation(parley.AskQuestionDocument, { refetchQueries: 'active' });
  const [stop] = useMutation(parley.StopAnswerDocument);
  const [regenerate] = useMutation(parley.RegenerateAnswerDocument, { refetchQueries: 'active' });
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
        const variables = { input: { question, conversationId: id || null } };
        const { data } = await ask({ variables }).catch(() => ({ data: null })); // See `error`.
        if (data) open(data.askQuestion.conversation.id);
      }}
      stop={(answerId) => stop({ variables: { input: { answerId } } })}
      regenerate={(answerId) => regenerate({ variables: { input: { answerId } } })}
    />
  );
}

function Chat({ client }: { client: ApolloClient }) {
  const [id, setId] = useState(location.hash.slice(1));
  const { data } = useQuery(parley.ConversationsDocument);
  const onData = () => void client.refetchQueries({ include: 'active' });
  useSubscription(parley.ConversationUpdatesDocument, { ignoreResults: true, onData });
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
  return <ApolloProvider client={client} children={<Chat client={client} />} />;
}

createRoot(document.getElementById('root')!).render(<App />);
