import { memo } from 'react';
import { useText } from '../i18n/language.js';
import { AnswerActions } from './answer-actions.js';
import { AnswerOutcome } from './answer-outcome.js';
import type { AnswerCommands, QuestionCommands } from './commands.js';
import type { Message } from './types.js';
import { LookUps } from './look-ups.js';
import { Markdown } from './markdown.js';
import { ProductCard } from './product-card.js';
import { Thoughts } from './thoughts.js';
import { Undelivered } from './undelivered.js';
import { UnverifiedClaims } from './unverified-claims.js';
import './message.css';

interface MessageProps extends AnswerCommands, QuestionCommands {
  message: Message;
  isLast: boolean;
}

/** A question or an answer of a conversation. */
export const MessageView = memo(function MessageView({ message, isLast, retry, discard, ...commands }: MessageProps) {
  const t = useText();
  if (message.role === 'USER')
    return (
      <article className="message question" aria-label={t.you} data-id={message.key} data-delivery={message.delivery}>
        <p>{message.content}</p>
        {message.deliveryError && <Undelivered question={message} retry={retry} discard={discard} />}
      </article>
    );
  const isGrowing = message.status === 'STREAMING';
  const isLookingUp = message.toolCalls.some(({ state }) => state === 'RUNNING');
  return (
    <article className="message answer" aria-label={t.assistant} aria-busy={isGrowing} data-id={message.key}>
      {message.reasoning && <Thoughts text={message.reasoning} isGrowing={isGrowing && !message.content} />}
      {!message.content && message.products.map(({ id, product }) => <ProductCard key={id} product={product} />)}
      {message.content ? (
        <Markdown text={message.content} isGrowing={isGrowing} products={message.products} />
      ) : (
        isGrowing && !message.reasoning && !isLookingUp && <Waiting />
      )}
      {isGrowing && <LookUps calls={message.toolCalls} />}
      {!isGrowing && (
        <>
          <UnverifiedClaims claims={message.unverifiedClaims} />
          <AnswerOutcome answer={message} isLast={isLast} {...commands} />
          <AnswerActions answer={message} isLast={isLast} {...commands} />
        </>
      )}
    </article>
  );
});

function Waiting() {
  const t = useText();
  return (
    <p className="waiting">
      <span className="visually-hidden">{t.waiting}</span>
      <i />
      <i />
      <i />
    </p>
  );
}
