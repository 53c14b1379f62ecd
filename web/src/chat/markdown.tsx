import { marked } from 'marked';
import type { ShownProductPartsFragment } from '@parley/client';
import { Fragment, lazy, memo, Suspense, useMemo, type ComponentProps } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import remend from 'remend';
import { useText } from '../i18n/language.js';
import { CodeBlock } from './code-block.js';
import { ProductCard } from './product-card.js';
import './markdown.css';

/** Math and colored code need large libraries, which are loaded when an answer contains either. */
const RichMarkdown = lazy(() => import('./rich-markdown.js'));

interface MarkdownProps {
  text: string;
  /** Whether the text still grows. */
  isGrowing: boolean;
  /** In the order of their places. Each is shown behind the block that it belongs to. */
  products?: readonly ShownProductPartsFragment[];
}

/**
 * Shows an answer. Its blocks are rendered separately, so that a delta renders only the last one again. React keeps the
 * elements of the others, and nothing flickers.
 */
export const Markdown = memo(function Markdown({ text, isGrowing, products = [] }: MarkdownProps) {
  const blocks = useMemo(() => splitBlocks(text), [text]);
  return (
    <div className="markdown">
      {blocks.map(({ raw, start, end }, i) => {
        const isLast = i === blocks.length - 1;
        const shown = products.filter(({ offset }) => (offset >= start || i === 0) && (offset < end || isLast));
        // A block keeps its place: text is only added at the end.
        return (
          <Fragment key={i}>
            <Block text={isGrowing && isLast ? remend(raw) : raw} />
            {shown.map(({ id, product }) => (
              <ProductCard key={id} product={product} />
            ))}
          </Fragment>
        );
      })}
    </div>
  );
});

const Block = memo(function Block({ text }: { text: string }) {
  const plain = <PlainMarkdown text={text} />;
  if (!needsRich(text)) return plain;
  return (
    <Suspense fallback={plain}>
      <RichMarkdown text={text} components={COMPONENTS} />
    </Suspense>
  );
});

const PlainMarkdown = ({ text }: { text: string }) => (
  <ReactMarkdown remarkPlugins={[remarkGfm]} components={COMPONENTS}>
    {text}
  </ReactMarkdown>
);

/** A part of the text, up to the next one. */
interface TextBlock {
  raw: string;
  start: number;
  end: number;
}

/** Links of references are defined in a block of their own, so an answer with references is one block. */
function splitBlocks(text: string): TextBlock[] {
  if (/^ {0,3}\[[^\]]+\]:/m.test(text)) return [{ raw: text, start: 0, end: text.length }];
  const blocks: TextBlock[] = [];
  let end = 0;
  for (const { raw } of marked.lexer(text)) {
    const start = end;
    end += raw.length;
    const last = blocks.at(-1);
    if (raw.trim() !== '') blocks.push({ raw, start, end });
    else if (last) last.end = end;
  }
  return blocks;
}

/** `$5 and $6` is money, so only math that is set apart, or between `\(` and `\)`, counts. */
const needsRich = (text: string): boolean => /^ {0,3}(```|~~~)\s*\w|\$\$|\\\(|\\\[/m.test(text);

/** Images are links, because loading one would tell its server about the reader. */
const COMPONENTS: Components = {
  a: ({ node: _, ...props }) => <a {...props} target="_blank" rel="noopener noreferrer" />,
  img: ({ src, alt }) => <ImageLink src={src} alt={alt} />,
  pre: ({ node: _, ...props }) => <CodeBlock {...props} />,
  table: ({ node: _, ...props }) => (
    <div className="table-scroller" tabIndex={0} role="group">
      <table {...props} />
    </div>
  ),
};

function ImageLink({ src, alt }: Pick<ComponentProps<'img'>, 'src' | 'alt'>) {
  const t = useText();
  return (
    <a href={typeof src === 'string' ? src : undefined} target="_blank" rel="noopener noreferrer">
      {t.linkImage(alt ?? '')}
    </a>
  );
}
