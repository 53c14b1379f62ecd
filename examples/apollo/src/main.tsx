import { ApolloClient, InMemoryCache } from '@apollo/client';
import { ApolloProvider, useMutation, useQuery, useSubscription } from '@apollo/client/react';
import * as parley from '@parley/client';
import { createParleyLink, defaultOptions, typePolicies, useAnswer } from '@parley/client/apollo';
import { useMemo, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import * as views from '../../shared/views.js';

const session = parley.createSession({ url: '/graphql' });
const createClient = () =>
  new ApolloClient({ link: createParleyLink(session), cache: new InMemoryCache({ typePolicies }), defaultOptions });

function Message({ id }: { id: string }) {
  const message = useAnswer(id); // Follows it while it is generated.
  return message && <views.Message {...message} />;
}

function Conversation({ id, open }: { id: string; open: (id: string) => void }) {
  const { data, fetchMore } = useQuery(parley.ConversationDocument, { variables: { id, last: 30 }, skip: !id });
  const [stop] = useMutation(parley.StopAnswerDocument);
  const [regenerate] = useMutation(parley.RegenerateAnswerDocument, { refetchQueries: 'active' });
  const [ask, { error }] = useMutation(parley.AskQuestionDocument, {
    refetchQueries: 'active',
    onCompleted: ({ askQuestion }) => open(askQuestion.conversation.id),
  });
  return (
    <views.Conversation
      conversation={id ? data?.conversation : undefined}
      Message={Message}
      error={error}
      loadEarlier={(before) => fetchMore({ variables: { before } })}
      // Its error is shown.
      ask={(question) => ask({ variables: { input: { question, conversationId: id || null } } }).catch(() => {})}
      stop={(answerId) => stop({ variables: { input: { answerId } } })}
      regenerate={(answerId) => regenerate({ variables: { input: { answerId } } })}
    />
  );
}

function Chat({ client }: { client: ApolloClient }) {
  const { id, open, search, setSearch } = views.useNavigation();
  const { data, previousData, fetchMore } = useQuery(parley.ConversationsDocument, { variables: { search } });
  const onData = () => void client.refetchQueries({ include: 'active' });
  useSubscription(parley.ConversationUpdatesDocument, { ignoreResults: true, onData });
  return (
    <views.Layout
      conversations={(data ?? previousData)?.conversations}
      loadMore={(after) => fetchMore({ variables: { after } })}
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
  return <ApolloProvider client={client} children={<Chat client={client} />} />;
}

createRoot(document.getElementById('root')!).render(<App />);
