import { marked } from 'marked';
import { lazy, memo, Suspense, useMemo, type ComponentProps } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import remend from 'remend';
import { useText } from '../i18n/language.js';
import { CodeBlock } from './code-block.js';
import './markdown.css';

/** Math and colored code need large libraries, which are loaded when an answer contains either. */
const RichMarkdown = lazy(() => import('./rich-markdown.js'));

interface MarkdownProps {
  text: string;
  /** Whether the text still grows. */
  isGrowing: boolean;
}

/**
 * Shows an answer. Its blocks are rendered separately, so that a delta renders only the last one again. React keeps the
 * elements of the others, and nothing flickers.
 */
export const Markdown = memo(function Markdown({ text, isGrowing }: MarkdownProps) {
  const blocks = useMemo(() => splitBlocks(text), [text]);
  return (
    <div className="markdown">
      {blocks.map((block, i) => (
        // A block keeps its place: text is only added at the end.
        <Block key={i} text={isGrowing && i === blocks.length - 1 ? remend(block) : block} />
      ))}
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

/** Links of references are defined in a block of their own, so an answer with references is one block. */
function splitBlocks(text: string): string[] {
  if (/^ {0,3}\[[^\]]+\]:/m.test(text)) return [text];
  return marked
    .lexer(text)
    .map(({ raw }) => raw)
    .filter((raw) => raw.trim() !== '');
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
