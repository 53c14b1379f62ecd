import { AskedRequest } from './answering/asked-request.entity.js';
import { RefreshToken } from './auth/refresh-token.entity.js';
import { Session } from './auth/session.entity.js';
import { User } from './auth/user.entity.js';
import { Conversation } from './conversations/conversation.entity.js';
import { ModelCall } from './memory/model-call.entity.js';
import { Message } from './messages/message.entity.js';

/**
 * Every table of ours, named one by one: bundlers and tests see the same list. Each comes after those that it points to,
 * which is the order in which they are copied from one database to another.
 */
export const entities = [User, Session, RefreshToken, Conversation, Message, AskedRequest, ModelCall];
