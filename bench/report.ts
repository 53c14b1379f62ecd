/**
 * Measures the sales report over 100,000 conversations in SQLite: `npm run bench:report [-- COUNT]`.
 * Prints the duration of each query in milliseconds.
 */
import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SaleStatus } from '../src/conversations/conversation-metadata.js';
import { entities } from '../src/entities.js';
import { newId } from '../src/platform/db/ids.js';
import { openDatabase } from '../src/platform/db/database.js';
import { SalesReportService } from '../src/reports/sales-report.service.js';

const COUNT = Number(process.argv[2] ?? 100_000);
const USERS = 100;
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const orm = await openDatabase({ dialect: 'sqlite', path: join(folder, 'bench.db') }, entities);
try {
  await seed();
  const reports = new SalesReportService();
  const em = () => orm.em.fork();
  const [{ id: userId }] = (await em().execute<{ id: string }[]>('select id from users limit 1')) as [{ id: string }];
  const range = { from: null, to: null };
  console.log(`\n${COUNT.toLocaleString('en')} conversations of ${USERS} users\n`);
  console.log('                      all users        one user');
  for (const [name, run] of Object.entries({
    count: (ownerId: string | null) => reports.count(em(), { ownerId, ...range }),
    byStatus: (ownerId: string | null) => reports.countByStatus(em(), { ownerId, ...range }),
    daily: (ownerId: string | null) => reports.countByDay(em(), { ownerId, ...range }),
    topInterests: (ownerId: string | null) => reports.findTopTerms(em(), { ownerId, ...range }, 'interests', 10),
  })) {
    const [all, one] = [await measureMedian(() => run(null)), await measureMedian(() => run(userId))];
    console.log(`${name.padEnd(16)} ${all.toFixed(1).padStart(11)} ms  ${one.toFixed(2).padStart(10)} ms`);
  }
} finally {
  await orm.close(true);
  rmSync(folder, { recursive: true, force: true });
}

async function measureMedian(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return times.toSorted((a, b) => a - b)[2]!;
}

async function seed(): Promise<void> {
  const em = orm.em.fork();
  const users = Array.from({ length: USERS }, newId);
  const now = Date.now();
  const statuses = Object.values(SaleStatus);
  const term = (n: number) => `product ${Math.floor(Math.abs(Math.sin(n)) ** 2 * 500)}`;
  await em.transactional(async (tx) => {
    for (const id of users) {
      await tx.execute(
        `insert into users (id, email, email_key, password_hash, role, created_at, updated_at) values (?, ?, ?, 'x', 'USER', ?, ?)`,
        [id, id, id, now, now],
      );
    }
    for (let i = 0; i < COUNT; i += 1) {
      const saleStatus = statuses[i % statuses.length]!;
      const list = (from: number) => Array.from({ length: 3 }, (_, k) => term(i * 7 + from + k));
      const metadata = {
        interests: list(0),
        offeredProducts: list(100),
        rejectedProducts: list(200),
        saleStatus,
        lastIntent: 'compare',
        summary: 'The customer compares a few products and asks about their prices.',
      };
      await tx.execute(
        `insert into conversations (id, owner_id, title, title_source, metadata, metadata_version, covered_position,
           messages_since_context_update, sale_status, created_at, updated_at) values (?, ?, ?, 'GENERATED', ?, 1, 6, 0, ?, ?, ?)`,
        [newId(), users[i % USERS]!, `Conversation ${i}`, JSON.stringify(metadata), saleStatus, now, now - i * 60_000],
      );
      if (i % 20_000 === 0)
        process.stdout.write(`\rseeding ${i.toLocaleString('en')} of ${COUNT.toLocaleString('en')} …`);
    }
  });
  process.stdout.write('\r');
}
