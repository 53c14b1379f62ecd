import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import { useText } from '../i18n/language.js';
import { Icon } from '../ui/icon.js';
import type { AnswerCommands, QuestionCommands } from './commands.js';
import { MessageView } from './message.js';
import type { Message } from './types.js';

/** The end is in view, or nearly. */
const END_DISTANCE = 48;
/** Earlier messages are loaded before the reader arrives at the first one. */
const START_DISTANCE = 600;

interface MessageListProps extends AnswerCommands, QuestionCommands {
  messages: readonly Message[];
  hasEarlier: boolean;
  loadEarlier: () => Promise<void>;
}

/**
 * The messages that are in view. It stays at the end while an answer grows, until the reader scrolls up. When earlier
 * messages arrive, those in view keep their place.
 */
export function MessageList({ messages, hasEarlier, loadEarlier, ...commands }: MessageListProps) {
  const t = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const followsEnd = useRef(true);
  const isLoading = useRef(false);
  const isShifted = useShift(messages);

  const scrollToEnd = useCallback(() => {
    followsEnd.current = true;
    list.current?.scrollTo(list.current.scrollSize);
  }, []);

  const lastKey = messages.at(-1)?.key;
  useLayoutEffect(scrollToEnd, [lastKey, scrollToEnd]);
  const keepEnd = () => {
    if (followsEnd.current) scrollToEnd();
  };
  useLayoutEffect(keepEnd);

  const readPosition = () => {
    const handle = list.current;
    if (!handle) return;
    const distance = handle.scrollSize - handle.viewportSize - handle.scrollOffset;
    setAtEnd(distance < END_DISTANCE);
    if (distance < 2) followsEnd.current = true;
    if (handle.scrollOffset > START_DISTANCE || !hasEarlier || isLoading.current) return;
    isLoading.current = true;
    void loadEarlier().finally(() => (isLoading.current = false));
  };

  // Only the reader moves away from the end; growing answers do not.
  useEffect(() => {
    const element = scroller.current!;
    const leave = (event: WheelEvent | KeyboardEvent | TouchEvent) => {
      const isUp =
        event instanceof WheelEvent
          ? event.deltaY < 0
          : event instanceof KeyboardEvent
            ? /^(ArrowUp|PageUp|Home)$/.test(event.key)
            : true;
      if (isUp) followsEnd.current = false;
    };
    const leaveByBar = (event: PointerEvent) => {
      if (event.target === element) followsEnd.current = false;
    };
    element.addEventListener('wheel', leave, { passive: true });
    element.addEventListener('touchmove', leave, { passive: true });
    element.addEventListener('keydown', leave);
    element.addEventListener('pointerdown', leaveByBar);
    return () => {
      element.removeEventListener('wheel', leave);
      element.removeEventListener('touchmove', leave);
      element.removeEventListener('keydown', leave);
      element.removeEventListener('pointerdown', leaveByBar);
    };
  }, []);

  return (
    <div className="messages-frame">
      <div ref={scroller} className="messages" tabIndex={0} role="region" aria-label={t.messages}>
        <p className="messages-start">{hasEarlier ? t.loadEarlier : t.beginning}</p>
        <Virtualizer
          ref={list}
          shift={isShifted}
          startMargin={START_MARGIN}
          onScroll={readPosition}
          onResize={() => {
            keepEnd();
            readPosition();
          }}
          keepMounted={messages.length > 0 ? [messages.length - 1] : []}
        >
          {messages.map((message, i) => (
            <MessageView key={message.key} message={message} isLast={i === messages.length - 1} {...commands} />
          ))}
        </Virtualizer>
      </div>
      {!isAtEnd && (
        <button type="button" className="jump" title={t.jumpToEnd} onClick={scrollToEnd}>
          <Icon name="down" />
          <span className="visually-hidden">{t.jumpToEnd}</span>
        </button>
      )}
    </div>
  );
}

/** The height of the line above the messages, as in messages.css. */
const START_MARGIN = 64;

/** Whether the last change of the messages added some before the others. */
function useShift(messages: readonly Message[]): boolean {
  const [state, setState] = useState({ messages, isShifted: false });
  if (state.messages !== messages) {
    const first = state.messages[0]?.key;
    const isShifted = messages[0]?.key !== first && messages.some(({ key }) => key === first);
    setState({ messages, isShifted });
  }
  return state.isShifted;
}
