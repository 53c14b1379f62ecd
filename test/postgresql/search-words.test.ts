import { toSearchWords } from '../../src/platform/db/search-words.js';
import { createDatabase, describePostgres, type TestDatabase } from '../kit/postgres.js';

const range = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)).join('');

describePostgres('the words of the search index', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await createDatabase()));
  afterAll(() => database[Symbol.asyncDispose]());

  test.each([
    ['Latin', "Österreich, don't! 50€ ﬁne Straße m² İstanbul e\u0301"],
    ['Greek and Cyrillic', 'ΣΊΣΥΦΟΣ Ёлка и\u0306'],
    ['Hindi and Arabic', 'हिन्दी كَتَبَ'],
    ['Chinese', '我想买一顶两人帐篷，预算500元。々〇'],
    ['Japanese', 'テントを買いたい ﾃﾝﾄ か\u3099 ・ー'],
    ['Thai, Lao, Khmer and Burmese', 'เต็นท์น้ำ ภาษาลาว ພາສາ ភាសាខ្មែរ မြန်မာ'],
    ['Korean', `텐트를 ${'텐트를'.normalize('NFD')} ㅋㅋ`],
    ['emoji', '👍🏽 👨‍👩‍👧 🇩🇪 ❤️ ☀ ⛺x 1️⃣ © → ™ 🏴󠁧󠁢󠁥󠁮󠁧󠁿'],
    ['many emoji', '🎉'.repeat(100)],
    ['long runs of marks', `a${'\u0301\u0323'.repeat(100)} b${'-'.repeat(100)}c ก${'\u0e38\u0e48'.repeat(40)}`],
    ['a long word', 'x'.repeat(100)],
    ['no words', ' ,. '],
    ['the Basic Multilingual Plane', range(0x3000, 0x33ff)],
    ['symbols', range(0x2000, 0x2bff)],
    ['Southeast Asian scripts', range(0x0e00, 0x10ff) + range(0x1780, 0x1aaf) + range(0xa980, 0xaadf)],
    ['emoji blocks', range(0x1f000, 0x1faff)],
  ])('are the same on both databases: %s', async (_name, text) => {
    const [row] = await database.execute<{ words: string[] }>('select search_words($1) as words', [text]);
    expect(row!.words.map((word) => [...word].slice(0, 60).join(''))).toEqual(toSearchWords(text));
  });
});
