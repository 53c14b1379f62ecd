const LONGEST = 60;

/** The beginning of the first question, on one line, cut between words to at most 60 characters. */
export function provisionalTitle(question: string): string {
  const line = question.replace(/\s+/g, ' ').trim();
  const characters = [...line];
  if (characters.length <= LONGEST) return line;
  const cut = characters.slice(0, LONGEST - 1).join('');
  const lastSpace = cut.lastIndexOf(' ');
  return `${lastSpace > LONGEST / 2 ? cut.slice(0, lastSpace) : cut}…`;
}
