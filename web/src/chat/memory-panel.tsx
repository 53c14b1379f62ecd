import type { Ref } from 'react';
import { useText } from '../i18n/language.js';
import { Icon } from '../ui/icon.js';
import { useFormat } from '../ui/use-format.js';
import type { Conversation, Message } from './types.js';
import './memory-panel.css';

interface MemoryPanelProps {
  conversation: Conversation;
  messages: readonly Message[];
  closeRef: Ref<HTMLButtonElement>;
  onClose: () => void;
}

/** What Parley remembers of a conversation, as notes beside it. */
export function MemoryPanel({ conversation, messages, closeRef, onClose }: MemoryPanelProps) {
  const t = useText();
  const { metadata, messagesSinceContextUpdate } = conversation;
  return (
    <aside className="memory" aria-label={t.memoryTitle}>
      <header>
        <h2>{t.memoryTitle}</h2>
        <button ref={closeRef} type="button" className="icon-button" title={t.hideMemory} onClick={onClose}>
          <Icon name="close" />
          <span className="visually-hidden">{t.hideMemory}</span>
        </button>
      </header>
      {metadata ? (
        <dl className="notes">
          <div>
            <dt>{t.saleStatus}</dt>
            <dd>
              <span className="status-chip" data-status={metadata.saleStatus}>
                {t.saleStatuses[metadata.saleStatus]}
              </span>
            </dd>
          </div>
          {metadata.summary && <Note label={t.summary} text={metadata.summary} isQuote />}
          {metadata.lastIntent && <Note label={t.lastIntent} text={metadata.lastIntent} />}
          <Terms label={t.interests} terms={metadata.interests} kind="interest" />
          <Terms label={t.offered} terms={metadata.offeredProducts} kind="offered" />
          <Terms label={t.rejected} terms={metadata.rejectedProducts} kind="rejected" />
        </dl>
      ) : (
        <p className="memory-empty">{t.memoryEmpty}</p>
      )}
      {metadata && messagesSinceContextUpdate > 0 && (
        <p className="memory-note">{t.memoryOutdated(messagesSinceContextUpdate)}</p>
      )}
      <PromptSizes messages={messages} />
    </aside>
  );
}

const Note = ({ label, text, isQuote = false }: { label: string; text: string; isQuote?: boolean }) => (
  <div>
    <dt>{label}</dt>
    <dd className={isQuote ? 'note-quote' : undefined}>{text}</dd>
  </div>
);

function Terms({ label, terms, kind }: { label: string; terms: readonly string[]; kind: string }) {
  const t = useText();
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {terms.length === 0 ? (
          <span className="note-none">{t.nothingYet}</span>
        ) : (
          <ul className="terms" data-kind={kind}>
            {terms.map((term) => (
              <li key={term}>{term}</li>
            ))}
          </ul>
        )}
      </dd>
    </div>
  );
}

/** The bars of the last answers: the prompt stays small while the conversation grows. */
const BARS = 12;

function PromptSizes({ messages }: { messages: readonly Message[] }) {
  const t = useText();
  const format = useFormat();
  const sizes = messages.flatMap(({ usage }) => (usage ? [usage.promptTokens] : [])).slice(-BARS);
  const last = sizes.at(-1);
  if (last === undefined) return null;
  const largest = Math.max(...sizes);
  return (
    <section className="prompt-size">
      <h3>{t.promptTokens}</h3>
      <div className="prompt-figure">
        <strong>{format.number(last)}</strong>
        <svg viewBox={`0 0 ${BARS * 8} 32`} preserveAspectRatio="xMaxYMax meet" aria-hidden="true">
          {sizes.map((size, i) => {
            const height = Math.max(2, (size / largest) * 32);
            return (
              <rect key={i} x={(BARS - sizes.length + i) * 8} y={32 - height} width="5" height={height} rx="1.5" />
            );
          })}
        </svg>
      </div>
      <p>{t.promptTokensText}</p>
    </section>
  );
}
