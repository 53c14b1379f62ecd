import { IsEmail, Matches } from 'class-validator';
import { Field, InputType, ObjectType } from 'type-graphql';
import { Characters, CleanText } from '../platform/graphql/text-rules.js';
import { User } from './user.entity.js';

export const LONGEST_NAME = 120;
const E164 = /^\+[1-9]\d{6,14}$/;

@InputType({ description: 'A new account.' })
export class RegisterInput {
  @Field(() => String, { description: 'Compared without regard to case.' })
  @IsEmail({}, { message: 'Give an email address such as jane@example.com.' })
  email!: string;

  @Field(() => String, { description: '8 to 128 characters; not one of the commonly used ones.' })
  @Characters(8, 128)
  @CleanText()
  password!: string;

  @Field(() => String, { nullable: true, description: `How you like to be called: 1 to ${LONGEST_NAME} characters.` })
  @Characters(1, LONGEST_NAME)
  @CleanText()
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'E.164.' })
  @Matches(E164, { message: 'Give a phone number in E.164, such as +14155550123.' })
  phone?: string | null;
}

@InputType({ description: 'What you registered with.' })
export class LoginInput {
  @Field(() => String, { description: 'Compared without regard to case.' })
  @CleanText()
  email!: string;

  @Field(() => String, { description: "The account's password." })
  @Characters(0, 128)
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
