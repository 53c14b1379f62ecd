import { createHash, randomBytes } from 'node:crypto';
import { ref } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/orm.js';
import { EmailToken } from './email-token.entity.js';
import type { MailKind } from './mail-texts.js';
import { User } from './user.entity.js';

/** The pages of the front end that the links open, and how long they are valid. */
export const EMAIL_LINKS = {
  'password-reset': { path: '/reset-password', lifetimeMs: 30 * 60_000 },
  'email-verification': { path: '/verify-email', lifetimeMs: 24 * 3_600_000 },
} as const;

export type LinkPurpose = keyof typeof EMAIL_LINKS;

export const isLinkPurpose = (kind: MailKind): kind is LinkPurpose => kind in EMAIL_LINKS;

/** Creates a token and stores its hash. Earlier tokens of the user for this purpose become invalid. */
export async function createEmailToken(
  tx: EntityManager,
  purpose: LinkPurpose,
  user: { id: string; emailKey: string },
): Promise<string> {
  await tx.nativeDelete(EmailToken, { user: user.id, purpose });
  const token = randomBytes(32).toString('base64url');
  const stored = new EmailToken();
  stored.hash = hashToken(token);
  stored.user = ref(User, user.id);
  stored.purpose = purpose;
  stored.emailKey = user.emailKey;
  stored.expiresAt = new Date(Date.now() + EMAIL_LINKS[purpose].lifetimeMs);
  await tx.persist(stored).flush();
  return token;
}

/** Returns the user of a valid token; null if it is unknown, replaced, used or expired. */
export async function findByEmailToken(em: EntityManager, purpose: LinkPurpose, token: string): Promise<User | null> {
  const found = await em.findOne(EmailToken, { hash: hashToken(token), purpose }, { populate: ['user'] });
  const user = found && found.expiresAt > new Date() ? found.user.unwrap() : null;
  return user && user.emailKey === found!.emailKey ? user : null;
}

/** Uses a token up. Returns false if a concurrent request has used it. */
export async function useEmailToken(tx: EntityManager, token: string): Promise<boolean> {
  return (await tx.nativeDelete(EmailToken, { hash: hashToken(token) })) > 0;
}

/** It needs no salt or slow hash: 256 random bits cannot be guessed. */
const hashToken = (token: string): string => createHash('sha256').update(token).digest('base64url');
