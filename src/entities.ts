import { AskedRequest } from './answering/asked-request.entity.js';
import { EmailToken } from './auth/email-token.entity.js';
import { Identity } from './auth/identity.entity.js';
import { Mail } from './auth/mail.entity.js';
import { RefreshToken } from './auth/refresh-token.entity.js';
import { SecurityEventEntry } from './auth/security-event.entity.js';
import { Session } from './auth/session.entity.js';
import { User } from './auth/user.entity.js';
import { Product } from './catalogue/product.entity.js';
import { ProductMention } from './catalogue/product-mention.entity.js';
import { Conversation } from './conversations/conversation.entity.js';
import { DataExportLink } from './exports/data-export.entity.js';
import { DailyTokens } from './usage/daily-tokens.entity.js';
import { ModelCall } from './usage/model-call.entity.js';
import { TokenReservation } from './usage/token-reservation.entity.js';
import { Message } from './messages/message.entity.js';
import { ToolCall } from './messages/tool-call.entity.js';

/**
 * All entities. An entity comes after the entities that it references: db:copy copies the tables in this order.
 */
export const entities = [
  User,
  Session,
  RefreshToken,
  SecurityEventEntry,
  Identity,
  EmailToken,
  Mail,
  Conversation,
  Message,
  ToolCall,
  AskedRequest,
  ModelCall,
  DataExportLink,
  DailyTokens,
  TokenReservation,
  Product,
  ProductMention,
];
