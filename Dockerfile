# Parley in production. docs/deploy.md tells how to run it, and what of this was checked, and how.
#   docker build -t parley .

# Debian's glibc, since argon2 and better-sqlite3 bring binaries for it: nothing is compiled, and no compiler is needed.
FROM node:24-bookworm-slim AS base
WORKDIR /app
COPY package.json package-lock.json ./

# The compiler of TypeScript is among the dependencies, its binary among the optional ones.
FROM base AS build
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json mikro-orm.config.ts ./
COPY scripts scripts
COPY src src
RUN npm run build

# At run time none of the optional ones is needed, such as the Node.js that comes along: some 200 MB less.
FROM base AS dependencies
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force

FROM base
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist/src dist/src
COPY deploy/healthcheck.mjs deploy/healthcheck.mjs

# For SQLite, where DATABASE_URL names no PostgreSQL. Whatever else is in /app belongs to root, and stays as it is.
RUN mkdir data && chown node:node data
VOLUME /app/data

USER node
EXPOSE 4000
STOPSIGNAL SIGTERM
# Alive, not ready: who acts on this starts the container anew, which brings no database back.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "deploy/healthcheck.mjs", "/healthz"]
# Without npm, which does not hand SIGTERM on.
CMD ["node", "--enable-source-maps", "dist/src/main.js"]
