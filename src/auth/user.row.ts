import { PreparedQuery, toDate, toDateOrNull, type StoredDate } from '../platform/db/prepared-query.js';
import type { Role } from './role.js';
import type { User } from './user.entity.js';

/** A user as they are read for a response. Each entity is one, too. */
export type UserRow = Omit<User, 'emailKey' | 'passwordHash' | 'disabledAt'>;

interface StoredUser {
  id: string;
  email: string | null;
  email_verified_at: StoredDate | null;
  name: string | null;
  phone: string | null;
  role: Role;
  created_at: StoredDate;
  updated_at: StoredDate;
}

export const userById = new PreparedQuery<[id: string], StoredUser>(
  'select id, email, email_verified_at, name, phone, role, created_at, updated_at from users where id = ?',
);

/** What a login is compared with. */
export const credentialsByEmailKey = new PreparedQuery<
  [emailKey: string],
  { id: string; password_hash: string | null }
>('select id, password_hash from users where email_key = ?');

export const toUser = (row: StoredUser): UserRow => ({
  id: row.id,
  email: row.email,
  emailVerifiedAt: toDateOrNull(row.email_verified_at),
  name: row.name,
  phone: row.phone,
  role: row.role,
  createdAt: toDate(row.created_at),
  updatedAt: toDate(row.updated_at),
});
