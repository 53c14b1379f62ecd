/**
 * Requests a health endpoint of the local server and exits with 0 if it returns 200, else with 1. The image has no curl.
 *   node deploy/healthcheck.mjs            /readyz
 *   node deploy/healthcheck.mjs /healthz   /healthz
 */
const path = process.argv[2] ?? '/readyz';
try {
  const { status } = await fetch(`http://127.0.0.1:${process.env.PORT || 4000}${path}`);
  process.exit(status === 200 ? 0 : 1);
} catch {
  process.exit(1);
}
