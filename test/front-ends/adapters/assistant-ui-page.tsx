import {
  ActionBarPrimitive,
  AssistantRuntimeProvider,
  ComposerPrimitive,
  MessagePrimitive,
  ThreadPrimitive,
} from '@assistant-ui/react';
import { createChat, type Session } from '@parley/client';
import { useParleyRuntime } from '@parley/client/assistant-ui';
import { ParleyProvider, useConversation } from '@parley/client/react';
import { useEffect, useState } from 'react';

const UserMessage = () => (
  <MessagePrimitive.Root className="question">
    <MessagePrimitive.Parts />
  </MessagePrimitive.Root>
);

const AssistantMessage = () => (
  <MessagePrimitive.Root className="answer">
    <MessagePrimitive.Parts />
    <ActionBarPrimitive.Reload>Answer again</ActionBarPrimitive.Reload>
  </MessagePrimitive.Root>
);

function Thread({ id, onConversation }: { id: string | null; onConversation: (id: string) => void }) {
  const runtime = useParleyRuntime(id);
  const { id: created } = useConversation(id);
  useEffect(() => {
    if (created) onConversation(created);
  }, [created, onConversation]);
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Messages components={{ UserMessage, AssistantMessage }} />
        <ThreadPrimitive.If running>
          <p>Running</p>
        </ThreadPrimitive.If>
        <ComposerPrimitive.Root>
          <ComposerPrimitive.Input aria-label="Your message" />
          <ComposerPrimitive.Send>Ask</ComposerPrimitive.Send>
          <ComposerPrimitive.Cancel>Stop</ComposerPrimitive.Cancel>
        </ComposerPrimitive.Root>
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}

export function AssistantUiPage(props: { session: Session; id: string | null; onConversation: (id: string) => void }) {
  const [chat] = useState(() => createChat(props.session));
  return (
    <ParleyProvider chat={chat}>
      <Thread {...props} />
    </ParleyProvider>
  );
}
