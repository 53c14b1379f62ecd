import { registerEnumType } from 'type-graphql';

export enum Role {
  GUEST = 'GUEST',
  USER = 'USER',
  ADMIN = 'ADMIN',
}

registerEnumType(Role, {
  name: 'Role',
  description: 'What a user is permitted to do.',
  valuesConfig: {
    GUEST: {
      description:
        'Has no account yet, and no email and password. Has limits of its own, and is deleted when it is idle.',
    },
    USER: { description: 'May access their own account and conversations.' },
    ADMIN: { description: 'May also read reports over the conversations of all users.' },
  },
});
