import { registerEnumType } from 'type-graphql';

export enum Role {
  USER = 'USER',
  ADMIN = 'ADMIN',
}

registerEnumType(Role, {
  name: 'Role',
  description: 'What a user may do beyond their own things.',
  valuesConfig: {
    USER: { description: 'Their own account and conversations.' },
    ADMIN: { description: "Also the reports over everyone's conversations." },
  },
});
