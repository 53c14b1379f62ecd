/** For front ends: `import { followAnswer, AskQuestionDocument } from 'parley/client'`. */
export * from './follow-answer.js';
export * from './generated/graphql.js';
