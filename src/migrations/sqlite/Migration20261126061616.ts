import { Migration } from '@mikro-orm/migrations';

/** Adds the request id of messages, and sets it for the messages of requests that are known. */
export class Migration20261126061616 extends Migration {
  override name = 'Migration20261126061616';

  override up(): void | Promise<void> {
    this.addSql('alter table `messages` add column `request_id` text null;');
    this.addSql(`update messages set request_id = (select min(request_id) from asked_requests where answer_id = messages.id)
      where id in (select answer_id from asked_requests);`);
    // A question and its first answer have the same request.
    this.addSql(`update messages set request_id = (select request_id from messages as answer
        where answer.in_reply_to_id = messages.id and answer.replaces_id is null)
      where id in (select in_reply_to_id from messages where request_id is not null and replaces_id is null);`);
  }

  override down(): void | Promise<void> {
    this.addSql('alter table `messages` drop column `request_id`;');
  }
}
