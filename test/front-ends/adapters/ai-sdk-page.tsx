import { useChat } from '@ai-sdk/react';
import type { Session } from '@parley/client';
import { createChatTransport, type ParleyChatTransport, type ParleyUIMessage } from '@parley/client/ai-sdk';
import { useEffect, useState } from 'react';

function Conversation({ transport, loaded }: { transport: ParleyChatTransport; loaded: ParleyUIMessage[] }) {
  const [question, setQuestion] = useState('');
  const { messages, sendMessage, regenerate, stop, status, error } = useChat({
    transport,
    messages: loaded,
    resume: true,
  });
  return (
    <>
      {messages.map(({ id, role, parts }) => (
        <p key={id} className={role === 'user' ? 'question' : 'answer'}>
          {parts.map((part, i) => (part.type === 'text' ? <span key={i}>{part.text}</span> : null))}
        </p>
      ))}
      {(status === 'streaming' || status === 'submitted') && <p>Running</p>}
      {error && <p role="alert">{error.message}</p>}
      <input aria-label="Your message" value={question} onChange={({ target }) => setQuestion(target.value)} />
      <button onClick={() => void sendMessage({ text: question })}>Ask</button>
      <button onClick={() => void stop()}>Stop</button>
      <button onClick={() => void regenerate()}>Answer again</button>
    </>
  );
}

export function AiSdkPage(props: { session: Session; id: string | null; onConversation: (id: string) => void }) {
  const { session, id, onConversation } = props;
  const [transport] = useState(() => createChatTransport(session, { conversationId: id, onConversation }));
  const [loaded, setLoaded] = useState<ParleyUIMessage[] | null>(null);
  useEffect(() => void transport.loadMessages().then(setLoaded), [transport]);
  return loaded && <Conversation transport={transport} loaded={loaded} />;
}
