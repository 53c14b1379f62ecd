/** Makes the screenshots of the README from the running product: `npm run screenshots`. Needs Chromium. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { ensureBuild, root } from './building.mjs';

const START_TIMEOUT_MS = 30_000;
const QUESTIONS = [
  'I am looking for a tent for two',
  'The Fernlight sounds good. Do you have a warm sleeping bag, too?',
  '/markdown',
];

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (!browserPath) {
  console.error('Chromium is not installed (Debian: apt-get install chromium).');
  process.exit(1);
}

const images = join(root, 'docs/images');
mkdirSync(images, { recursive: true });
const folder = await ensureBuild({ whole: true });
const server = spawn(process.execPath, [join(folder, 'src/main.js')], {
  cwd: tmpdir(),
  env: { PATH: process.env.PATH, PORT: '0', DATABASE_URL: 'sqlite::memory:' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    locale: 'en-US',
    reducedMotion: 'reduce',
  });
  await page.goto(await readUrl());
  await page.getByLabel('Name (optional)').fill('Jane Doe');
  await page.getByLabel('Email').fill('jane@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery staple');
  await page.getByRole('button', { name: 'Create account' }).click();
  await ask(page, 'Which boots are good in the rain?');
  await page.getByRole('link', { name: 'New conversation' }).click();
  await page.locator('.greeting').waitFor();
  for (const question of QUESTIONS) await ask(page, question);
  await page.locator('.notes').waitFor();
  await page.screenshot({ path: join(images, 'chat.png') });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: join(images, 'chat-dark.png') });
  await page.setViewportSize({ width: 390, height: 780 });
  await page.getByRole('button', { name: 'Hide the notes' }).click();
  await page.locator('.memory').waitFor({ state: 'detached' });
  await page.screenshot({ path: join(images, 'chat-phone.png') });
} finally {
  await browser.close();
  server.kill();
}

/** Asks a question, and waits for the end of the answer. */
async function ask(page, question) {
  await page.getByLabel('Your message').fill(question);
  await page.getByLabel('Your message').press('Enter');
  await page.locator('.question[data-delivery=STORED]', { hasText: question }).waitFor();
  await page.getByRole('button', { name: 'Send' }).waitFor();
}

/** Resolves with the address that the server prints. */
function readUrl() {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => reject(new Error(`The server did not start:\n${output}`)), START_TIMEOUT_MS);
    server.stdout.on('data', (bytes) => {
      output += bytes;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (!url) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}
