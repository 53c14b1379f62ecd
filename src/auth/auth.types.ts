import { Field, InputType, ObjectType } from 'type-graphql';
import {
  applyAll,
  Characters,
  StorableText,
  NoControlCharacters,
  NotBlank,
  VisibleText,
} from '../platform/graphql/validators.js';
import { Valid } from '../platform/graphql/validation.js';
import { Email } from './email.js';
import { NotCommon } from './common-passwords.js';
import { User } from './user.entity.js';

export const MAX_NAME_LENGTH = 120;
const MIN_PASSWORD_LENGTH = 8;
const MAX_PASSWORD_LENGTH = 128;

const Phone = () =>
  Valid({
    isValid: (value) => typeof value === 'string' && /^\+[1-9]\d{6,14}$/.test(value),
    message: 'Must be a phone number in E.164 format, such as +14155550123.',
  });

const NewPassword = () =>
  applyAll(Characters(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH), NoControlCharacters(), StorableText(), NotCommon());

const MAX_CLAIM_LENGTH = 200;
const Claim = () => applyAll(Characters(0, MAX_CLAIM_LENGTH), StorableText());
const CLAIM = [
  'The refresh token of a guest session, whose conversations become those of the account. It is not used up. If it is not',
  'valid, the error is UNAUTHENTICATED, and nothing changes. A retry with the same input signs in.',
].join('\n');

@InputType({ description: 'The account to create.' })
export class RegisterInput {
  @Field(() => String, { description: 'Case-insensitive. Surrounding white space is ignored.' })
  @Email()
  email!: string;

  @Field(() => String, { description: '8 to 128 characters; must not be commonly used or easy to guess.' })
  @NewPassword()
  password!: string;

  @Field(() => String, { nullable: true, description: `Display name; 1 to ${MAX_NAME_LENGTH} characters.` })
  @Characters(1, MAX_NAME_LENGTH)
  @NotBlank()
  @VisibleText()
  @StorableText()
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'E.164 format, such as +14155550123.' })
  @Phone()
  phone?: string | null;

  @Field(() => String, { nullable: true, description: CLAIM })
  @Claim()
  claim?: string | null;
}

@InputType({ description: 'Credentials to sign in with.' })
export class LoginInput {
  @Field(() => String, { description: 'Case-insensitive. Surrounding white space is ignored.' })
  @Characters(0, 320)
  @StorableText()
  email!: string;

  @Field(() => String, { description: "The account's password." })
  @Characters(0, MAX_PASSWORD_LENGTH)
  @StorableText()
  password!: string;

  @Field(() => String, { nullable: true, description: CLAIM })
  @Claim()
  claim?: string | null;
}

const MAX_IDENTITY_TOKEN_LENGTH = 16_384;

@InputType({ description: "A token of the operator's own login." })
export class ExchangeIdentityTokenInput {
  @Field(() => String, { description: 'The ID token, a JWT.' })
  @Characters(0, MAX_IDENTITY_TOKEN_LENGTH)
  @StorableText()
  token!: string;

  @Field(() => String, { nullable: true, description: CLAIM })
  @Claim()
  claim?: string | null;
}

const MAX_TOKEN_LENGTH = 200;

@InputType({ description: 'The token of a link, and the new password.' })
export class ResetPasswordInput {
  @Field(() => String, { description: 'The token of the link in the mail.' })
  @Characters(0, MAX_TOKEN_LENGTH)
  @StorableText()
  token!: string;

  @Field(() => String, { description: '8 to 128 characters; must not be commonly used or easy to guess.' })
  @NewPassword()
  newPassword!: string;
}

@InputType({ description: 'The token of a link.' })
export class VerifyEmailInput {
  @Field(() => String, { description: 'The token of the link in the mail.' })
  @Characters(0, MAX_TOKEN_LENGTH)
  @StorableText()
  token!: string;
}

@InputType({ description: 'The refresh token to exchange.' })
export class RefreshTokensInput {
  @Field(() => String, { description: 'The refresh token issued last.' })
  refreshToken!: string;
}

@InputType({ description: 'The session to end.' })
export class LogoutInput {
  @Field(() => String, { description: "Any of the session's refresh tokens." })
  refreshToken!: string;
}

@InputType({ description: 'The fields to change; an omitted field stays unchanged.' })
export class UpdateProfileInput {
  @Field(() => String, { nullable: true, description: `1 to ${MAX_NAME_LENGTH} characters; null clears it.` })
  @Characters(1, MAX_NAME_LENGTH)
  @NotBlank()
  @VisibleText()
  @StorableText()
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'E.164 format, such as +14155550123; null clears it.' })
  @Phone()
  phone?: string | null;
}

@InputType({ description: 'The current and the new password.' })
export class ChangePasswordInput {
  @Field(() => String, { nullable: true, description: 'The password to replace.' })
  @Characters(0, MAX_PASSWORD_LENGTH)
  @StorableText()
  currentPassword?: string | null;

  @Field(() => String, { description: '8 to 128 characters; must not be commonly used or easy to guess.' })
  @NewPassword()
  newPassword!: string;
}

@InputType({ description: 'Confirmation that the account is to be deleted.' })
export class DeleteAccountInput {
  @Field(() => String, {
    nullable: true,
    description: "The account's password. Omitted by users who have none: guests, and users of the identity provider.",
  })
  @Characters(0, MAX_PASSWORD_LENGTH)
  @StorableText()
  password?: string | null;
}

@ObjectType({ description: 'The tokens of a session, and its user.' })
export class AuthPayload {
  @Field(() => String, {
    description:
      'A JWT: send it as `Authorization: Bearer …`, or as `connectionParams: { authorization: "Bearer …" }` over WebSocket.',
  })
  accessToken!: string;

  @Field(() => Date, { description: 'When the access token expires.' })
  accessTokenExpiresAt!: Date;

  @Field(() => String, { description: 'Opaque and valid for one use; exchange it with refreshTokens.' })
  refreshToken!: string;

  @Field(() => Date, { description: 'When the refresh token expires.' })
  refreshTokenExpiresAt!: Date;

  @Field(() => User, { description: 'The signed-in user.' })
  user!: User;
}
