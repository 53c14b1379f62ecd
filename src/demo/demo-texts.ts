const PARAGRAPH = [
  'The path leaves the village beside the old mill and climbs through a quiet forest.',
  'After an hour the trees give way to open slopes, and the wind carries the sound of bells.',
  'A stream crosses the track three times; the stones are flat, and dry in summer.',
  'From the saddle you see the whole valley, and behind it the first snow.',
  'The hut above the lake serves soup until four, and the last bus leaves at six.',
].flatMap((sentence) => sentence.split(' '));

/** Returns a text with the given number of words, in paragraphs. */
export function longText(words: number): string {
  const paragraphs = Array.from({ length: Math.ceil(words / PARAGRAPH.length) }, (_, i) =>
    PARAGRAPH.slice(0, words - i * PARAGRAPH.length).join(' '),
  );
  return paragraphs.join('\n\n').replace(/[,;]?$/, '');
}

export const MARKDOWN = `## A day in the hills

Bring **water**, a *map*, and \`layers\`. [OpenStreetMap](https://www.openstreetmap.org) has the paths.

1. Start early.
2. Turn back by noon:
   - when clouds build up
   - when the path is lost

| stop | hours | height |
| ---- | ----: | -----: |
| mill | 0 | 420 m |
| hut | 3 | 1,610 m |

\`\`\`ts
const left = stops.filter(({ hours }) => hours > walked);
\`\`\`

> The hill will be there tomorrow.
`;
