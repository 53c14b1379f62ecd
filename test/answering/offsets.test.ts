import { MAX_DELTA_LENGTH } from '../../src/answering/answer-event.types.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('answerStream', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeAll(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const deltasOf = (events: readonly object[]) =>
    events.flatMap((event) => ('text' in event ? [event as { offset: number; text: string }] : []));

  test.each([
    ['the beginning', 0, [{ offset: 0, text: 'You asked: six' }]],
    ['the middle', 4, [{ offset: 4, text: 'asked: six' }]],
    ['the end', 14, []],
    ['past the end', 15, []],
    ['far past the end', 2_147_483_647, []],
  ])('replays a finished answer from %s', async (_where, offset, expected) => {
    const { answer } = await jane.ask('six', { stream: false });
    const follower = jane.follow(answer.id, offset);
    const events = await follower.rest();
    expect(deltasOf(events)).toMatchObject(expected);
    expect(events.at(-1)).toMatchObject({ __typename: 'AnswerFinished', answer: { content: 'You asked: six' } });
  });

  test('delivers the text beyond the offset to followers that join before and while it is generated', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Go on');
    const early = jane.follow(answer.id);
    const ahead = jane.follow(answer.id, 6);
    const call = await taken;
    call.delta('0123');
    await early.until('0123');
    const late = jane.follow(answer.id);
    const middle = jane.follow(answer.id, 2);
    const atEnd = jane.follow(answer.id, 4);
    await late.until('0123');
    expect(await middle.next()).toMatchObject({ offset: 2, text: '23' });
    call.delta('4567');
    await early.until('01234567');
    FakeProvider.done(call);

    for (const follower of [early, ahead, late, middle, atEnd]) {
      await follower.rest();
      expect(follower.finished).toMatchObject({ content: '01234567', status: 'COMPLETED' });
    }
    expect(early.text).toBe('01234567');
    expect(late.text).toBe('01234567');
    expect(deltasOf(middle.all)).toMatchObject([
      { offset: 2, text: '23' },
      { offset: 4, text: '4567' },
    ]);
    expect(deltasOf(atEnd.all)).toMatchObject([{ offset: 4, text: '4567' }]);
    // An offset beyond the text so far: the follower receives only the text after it.
    expect(deltasOf(ahead.all)).toMatchObject([{ offset: 6, text: '67' }]);
  });

  test('resumes without gaps and repetitions', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Again');
    const call = await taken;
    const first = jane.follow(answer.id);
    call.delta('first ');
    await first.until('first ');
    first.stop();
    call.delta('second ');
    const other = jane.follow(answer.id);
    await other.until('first second ');
    const second = jane.follow(answer.id, first.text.length);
    call.delta('third');
    FakeProvider.done(call);
    await second.rest();
    expect(
      first.text +
        deltasOf(second.all)
          .map(({ text }) => text)
          .join(''),
    ).toBe('first second third');
  });

  test('returns the whole text so far as textSoFar', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Replace');
    const call = await taken;
    call.delta('ab');
    const query = `subscription ($id: ID!) { answerStream(answerId: $id, offset: 1) { ... on AnswerDelta { offset text textSoFar } } }`;
    const seen: unknown[] = [];
    const ended = new Promise<void>((resolve, reject) =>
      jane.subscribe(
        query,
        { id: answer.id },
        {
          next: (data) => {
            seen.push((data as { answerStream: unknown }).answerStream);
            if (seen.length === 1) {
              call.delta('cd');
              FakeProvider.done(call);
            }
          },
          error: reject,
          complete: resolve,
        },
      ),
    );
    await ended;
    expect(seen).toEqual([{ offset: 1, text: 'b', textSoFar: 'ab' }, { offset: 2, text: 'cd', textSoFar: 'abcd' }, {}]);
  });

  test('never splits a character, even if the provider does', async () => {
    const emoji = '🌱👩‍🚀';
    const units = [...`a${emoji}b${emoji}`].flatMap((character) => character.split(''));
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Plants?');
    const call = await taken;
    const follower = jane.follow(answer.id);
    // One UTF-16 code unit per chunk splits each surrogate pair.
    for (const unit of units) call.delta(unit);
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.text).toBe(units.join(''));
    for (const { offset, text } of deltasOf(follower.all)) {
      expect(text.isWellFormed()).toBe(true);
      const again = jane.follow(answer.id, offset);
      await again.rest();
      expect(deltasOf(again.all)).toMatchObject([{ offset, text: follower.text.slice(offset) }]);
    }
    // An offset inside a character is moved to the beginning of the character.
    const inside = jane.follow(answer.id, 2);
    expect(await inside.next()).toMatchObject({ offset: 1, text: follower.text.slice(1) });
  });

  test('splits a long text into deltas of whole characters', async () => {
    const text = 'a' + '🌱'.repeat(20_000);
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('A book, please');
    const call = await taken;
    const early = jane.follow(answer.id);
    call.delta(text);
    await early.until(text);
    const late = jane.follow(answer.id, 3);
    await late.next();
    FakeProvider.done(call);
    await Promise.all([early.rest(), late.rest()]);
    const afterwards = jane.follow(answer.id);
    await afterwards.rest();
    for (const follower of [early, afterwards]) expect(follower.text).toBe(text);
    for (const follower of [early, late, afterwards]) {
      const deltas = deltasOf(follower.all);
      expect(deltas.length).toBeGreaterThan(2);
      let offset = deltas[0]!.offset;
      for (const delta of deltas) {
        expect(delta.offset).toBe(offset);
        expect(delta.text.isWellFormed()).toBe(true);
        expect(delta.text.length).toBeLessThanOrEqual(MAX_DELTA_LENGTH);
        offset += delta.text.length;
      }
      expect(offset).toBe(text.length);
    }
  });

  test('replaces NUL characters and unpaired surrogates alike in the stream and in the stored text', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Broken text');
    const call = await taken;
    const follower = jane.follow(answer.id);
    for (const piece of ['nul\0 ', 'half\ud83c', ' low\udf31 ', 'end\ud83c']) call.delta(piece);
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.text).toBe('nul\ufffd half\ufffd low\ufffd end\ufffd');
    expect((await jane.message(answer.id)).content).toBe(follower.text);
  });

  test.each([
    ['a negative offset', { offset: -1 }, 'BAD_USER_INPUT'],
    ['an invalid id', { answerId: 'no id' }, 'NOT_FOUND'],
    ['an unknown id', { answerId: '01a2003b-9558-75fa-bdad-5c65b0515864' }, 'NOT_FOUND'],
  ])('refuses %s', async (_what, wrong, code) => {
    const { answer } = await jane.ask('Fine', { stream: false });
    const query =
      'subscription ($answerId: ID!, $offset: Int! = 0) { answerStream(answerId: $answerId, offset: $offset) { __typename } }';
    const errors = await jane.requestOverSocket(query, { answerId: answer.id, ...wrong }).then(
      () => null,
      (refused) => refused,
    );
    expect(errors).toMatchObject([{ extensions: { code, fields: { [Object.keys(wrong)[0]!]: expect.any(String) } } }]);
  });

  test('refuses to follow a question', async () => {
    const { question } = await jane.ask('Me?', { stream: false });
    await expect(jane.follow(question.id).rest()).rejects.toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
  });
});
