/**
 * Asks the Parley of this machine whether it is well, and ends with 0 if so; there is no curl in the image.
 *   node deploy/healthcheck.mjs            /readyz: it can serve
 *   node deploy/healthcheck.mjs /healthz   it is alive
 */
/* global fetch */
const path = process.argv[2] ?? '/readyz';
try {
  const { status } = await fetch(`http://127.0.0.1:${process.env.PORT || 4000}${path}`);
  process.exit(status === 200 ? 0 : 1);
} catch {
  process.exit(1);
}
