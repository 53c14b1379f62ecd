import { Migration } from '@mikro-orm/migrations';
import { toFormerKey, toPunycodeKey, updateEmailKeys } from '../email-keys.js';

/** Makes the two forms of an internationalized domain name one email. */
export class Migration20261126083000 extends Migration {
  override name = 'Migration20261126083000';

  override async up(): Promise<void> {
    await updateEmailKeys(this, toPunycodeKey);
  }

  override async down(): Promise<void> {
    await updateEmailKeys(this, toFormerKey);
  }
}
