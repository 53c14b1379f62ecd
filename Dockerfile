# Production image of Parley. docs/deploy.md explains how to run it and how it was tested.
#   docker build -t parley .

# Debian, because argon2 and better-sqlite3 include binaries for glibc. No native code is compiled.
FROM node:24-bookworm-slim AS base
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# npm needs the manifests of all workspaces.
COPY client/package.json client/package.json

# The TypeScript compiler is a development dependency.
FROM base AS build
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json mikro-orm.config.ts ./
COPY scripts scripts
COPY src src
COPY playground playground
COPY client client
COPY web web
COPY schema/operations schema/operations
RUN npm run build

FROM base AS dependencies
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force

FROM base
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist/src dist/src
COPY --from=build /app/dist/playground dist/playground
COPY --from=build /app/dist/web dist/web
COPY deploy/healthcheck.mjs deploy/healthcheck.mjs
COPY schema/trusted-documents.json schema/trusted-documents.json

# For SQLite. Everything else in /app belongs to root and is read-only for the server.
RUN mkdir data && chown node:node data
VOLUME /app/data

USER node
EXPOSE 4000
STOPSIGNAL SIGTERM
# /healthz, not /readyz: restarting the container does not repair an unreachable database.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "deploy/healthcheck.mjs", "/healthz"]
# Not through npm: a build is neither needed nor possible here.
CMD ["node", "--enable-source-maps", "dist/src/main.js"]
