import ReactMarkdown, { type Components } from 'react-markdown';
import rehypeHighlight from 'rehype-highlight';
import rehypeKatex from 'rehype-katex';
import remarkGfm from 'remark-gfm';
import remarkMath from 'remark-math';
import 'katex/dist/katex.min.css';

/** Shows a block of Markdown with math and colored code. */
export default function RichMarkdown({ text, components }: { text: string; components: Components }) {
  return (
    <ReactMarkdown
      remarkPlugins={[remarkGfm, [remarkMath, { singleDollarTextMath: false }]]}
      rehypePlugins={[rehypeHighlight, rehypeKatex]}
      components={components}
    >
      {toDollars(text)}
    </ReactMarkdown>
  );
}

/** Models write math between backslashes, too, which Markdown reads as escapes. Code stays as it is. */
const toDollars = (text: string): string =>
  /^ {0,3}(```|~~~)/m.test(text)
    ? text
    : text.replace(/\\\[([\s\S]+?)\\\]/g, '$$$$$1$$$$').replace(/\\\(([\s\S]+?)\\\)/g, '$$$$$1$$$$');
