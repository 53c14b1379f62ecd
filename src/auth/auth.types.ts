import { Matches } from 'class-validator';
import { Field, InputType, ObjectType } from 'type-graphql';
import { applyAll, Characters, CleanText, NoControlCharacters, NotBlank } from '../platform/graphql/text-rules.js';
import { Email } from './email.js';
import { NotCommon } from './common-passwords.js';
import { User } from './user.entity.js';

const LONGEST_NAME = 120;
const LONGEST_PASSWORD = 128;

const Phone = () => Matches(/^\+[1-9]\d{6,14}$/, { message: 'Give a phone number in E.164, such as +14155550123.' });

const NewPassword = () => applyAll(Characters(8, LONGEST_PASSWORD), NoControlCharacters(), CleanText(), NotCommon());

@InputType({ description: 'A new account.' })
export class RegisterInput {
  @Field(() => String, { description: 'Compared without regard to case.' })
  @Email()
  email!: string;

  @Field(() => String, { description: '8 to 128 characters; not one of the commonly used ones.' })
  @NewPassword()
  password!: string;

  @Field(() => String, { nullable: true, description: `How you like to be called: 1 to ${LONGEST_NAME} characters.` })
  @Characters(1, LONGEST_NAME)
  @NotBlank()
  @NoControlCharacters()
  @CleanText()
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'E.164.' })
  @Phone()
  phone?: string | null;
}

@InputType({ description: 'What you registered with.' })
export class LoginInput {
  @Field(() => String, { description: 'Compared without regard to case.' })
  @Characters(0, 320)
  @CleanText()
  email!: string;

  @Field(() => String, { description: "The account's password." })
  @Characters(0, LONGEST_PASSWORD)
  @CleanText()
  password!: string;
}

@InputType({ description: 'A refresh token to be traded.' })
export class RefreshTokensInput {
  @Field(() => String, { description: 'The last one that you were given.' })
  refreshToken!: string;
}

@InputType({ description: 'The session to end.' })
export class LogoutInput {
  @Field(() => String, { description: "Any of the session's refresh tokens." })
  refreshToken!: string;
}

@InputType({ description: 'What to change; a field left out stays as it is.' })
export class UpdateProfileInput {
  @Field(() => String, { nullable: true, description: `1 to ${LONGEST_NAME} characters; null clears it.` })
  @Characters(1, LONGEST_NAME)
  @NotBlank()
  @NoControlCharacters()
  @CleanText()
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'E.164; null clears it.' })
  @Phone()
  phone?: string | null;
}

@InputType({ description: 'A new password.' })
export class ChangePasswordInput {
  @Field(() => String, { description: 'The one that is to be replaced.' })
  @Characters(0, LONGEST_PASSWORD)
  @CleanText()
  currentPassword!: string;

  @Field(() => String, { description: '8 to 128 characters; not one of the commonly used ones.' })
  @NewPassword()
  newPassword!: string;
}

@InputType({ description: 'The last word before an account is deleted.' })
export class DeleteAccountInput {
  @Field(() => String, { description: "The account's password." })
  @Characters(0, LONGEST_PASSWORD)
  @CleanText()
  password!: string;
}

@ObjectType({ description: 'A pair of tokens, and whose they are.' })
export class AuthPayload {
  @Field(() => String, {
    description:
      'A JWT for `Authorization: Bearer …`, and for `connectionParams: { authorization: "Bearer …" }` on a socket.',
  })
  accessToken!: string;

  @Field(() => Date, { description: 'Until when the access token is taken.' })
  accessTokenExpiresAt!: Date;

  @Field(() => String, { description: 'Opaque, single use.' })
  refreshToken!: string;

  @Field(() => Date, { description: 'Until when the refresh token is taken.' })
  refreshTokenExpiresAt!: Date;

  @Field(() => User, { description: 'The account that is signed in.' })
  user!: User;
}
