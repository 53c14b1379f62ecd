import { AskQuestionDocument } from '../../client/src/generated/graphql.js';
import { describeFleet, Fleet } from '../kit/fleet.js';
import { until } from '../kit/until.js';

describeFleet('the limits of running answers', () => {
  const ask = (question: string) => ({ input: { question } });

  test('hold over all instances, and a killed instance frees its places and tokens', async () => {
    await using fleet = await Fleet.open({ MAX_RUNNING_ANSWERS_PER_USER: '1', DAILY_TOKEN_QUOTA: '1000' });
    const [one, two] = [await fleet.start(), await fleet.start()];
    const jane = await fleet.user(one);
    const janeThere = fleet.client(two, jane.accessToken);
    const taken = fleet.provider.takeCall();
    await jane.ask('Slow');
    (await taken).delta('Well');
    expect(await janeThere.getErrorCode(AskQuestionDocument, ask('Too many'))).toBe('TOO_MANY_ANSWERS');
    await one.kill();
    // The place expires, then the other instance settles the answer with what its text has cost.
    const codes = new Set<unknown>();
    await until(async () => {
      const code = await janeThere.getErrorCode(AskQuestionDocument, ask('Again')).catch(() => null);
      codes.add(code);
      return code === null;
    });
    expect([...codes].filter((code) => code !== null && code !== 'QUOTA_EXCEEDED')).toEqual(['TOO_MANY_ANSWERS']);
  });
});
