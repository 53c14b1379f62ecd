import { A_NEW_EMAIL, LAST_ANSWER, LAST_CONVERSATION, YOUR_EMAIL, YOUR_REFRESH_TOKEN } from './placeholders.js';

export interface Example {
  /** The name of an operation in schema/operations. */
  operation: string;
  /** Replaces the name and the comment, if an operation has more than one example. */
  as?: { name: string; comment: string };
  variables?: Record<string, unknown>;
  /** A comment above the variables. */
  note?: string;
}

const PASSWORD = 'correct horse battery';

/** Ordered so that each example succeeds after the previous ones. */
export const EXAMPLES: Example[] = [
  { operation: 'Register', variables: { input: { email: A_NEW_EMAIL, password: PASSWORD } } },
  {
    operation: 'AskQuestion',
    variables: { input: { question: 'Hello! I am looking for a tent.', stream: true } },
    note: 'The demo model also takes "/long 300", "/slow", "/think", "/fail", "/limit" and "/help".',
  },
  { operation: 'AnswerStream', variables: { answerId: LAST_ANSWER, offset: 0 } },
  {
    operation: 'AskQuestion',
    as: { name: 'ContinueConversation', comment: 'Continue a conversation. The assistant knows the messages before.' },
    variables: { input: { question: 'How much does it cost?', conversationId: LAST_CONVERSATION, stream: true } },
  },
  { operation: 'StopAnswer', variables: { input: { answerId: LAST_ANSWER } } },
  { operation: 'RegenerateAnswer', variables: { input: { answerId: LAST_ANSWER, stream: true } } },
  { operation: 'ConversationUpdates', variables: { conversationId: null } },
  { operation: 'Message', variables: { id: LAST_ANSWER } },
  { operation: 'Conversation', variables: { id: LAST_CONVERSATION, last: 20 } },
  { operation: 'Conversations', variables: { first: 20, search: 'tent' } },
  { operation: 'RenameConversation', variables: { input: { id: LAST_CONVERSATION, title: 'A tent for two' } } },
  { operation: 'Usage', variables: { scope: 'MINE' } },
  { operation: 'UsageDetails', variables: { scope: 'MINE' } },
  { operation: 'SalesReport', variables: { scope: 'MINE' } },
  {
    operation: 'AskQuestion',
    as: { name: 'AskForCutAnswer', comment: 'Ask for an answer that is cut by the limit on its tokens (LENGTH).' },
    variables: { input: { question: '/cut', stream: false } },
  },
  { operation: 'ContinueAnswer', variables: { input: { answerId: LAST_ANSWER, stream: true } } },
  { operation: 'DeleteConversation', variables: { input: { id: LAST_CONVERSATION } } },
  { operation: 'Me' },
  { operation: 'UpdateProfile', variables: { input: { name: 'Jane', phone: '+14155550123' } } },
  {
    operation: 'ChangePassword',
    variables: { input: { currentPassword: PASSWORD, newPassword: PASSWORD } },
    note: 'The password stays the same, so that the other tabs keep working.',
  },
  { operation: 'EmailAvailable', variables: { email: A_NEW_EMAIL } },
  { operation: 'Sessions' },
  { operation: 'MySecurityEvents', variables: { first: 20 } },
  { operation: 'RequestDataExport' },
  { operation: 'RefreshTokens', variables: { input: { refreshToken: YOUR_REFRESH_TOKEN } } },
  { operation: 'LogoutAll' },
  { operation: 'Logout', variables: { input: { refreshToken: YOUR_REFRESH_TOKEN } } },
  { operation: 'Login', variables: { input: { email: YOUR_EMAIL, password: PASSWORD } } },
  { operation: 'DeleteAccount', variables: { input: { password: PASSWORD } } },
];
