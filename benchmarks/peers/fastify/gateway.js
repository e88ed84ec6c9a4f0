// Fastify with the same policy: @fastify/http-proxy (undici), @fastify/jwt with its token cache, @fastify/rate-limit, prom-client.
// Arguments: port, file with the HS256 secret, port of v1, port of v2.
const fs = require("fs");
const crypto = require("crypto");
const Fastify = require("fastify");
const prom = require("prom-client");

const [port, keyFile, v1, v2] = process.argv.slice(2);
const undici = { connections: 128, pipelining: 1, keepAliveTimeout: 300000 };
const origin = { v1: `http://127.0.0.1:${v1}`, v2: `http://127.0.0.1:${v2}` };
const labelNames = ["version", "code"];
const requests = new prom.Counter({ name: "gw_requests_total", help: "requests", labelNames });
const duration = new prom.Histogram({ name: "gw_duration_seconds", help: "duration", labelNames: ["version"] });
const bucket = (subject) => crypto.createHash("sha1").update("salt7" + subject).digest().readUInt32BE(0) % 100;

async function admit(request, reply) {
  request.begun = process.hrtime.bigint();
  await request.jwtVerify();
  request.side = bucket(request.user.sub) < 25 ? "v2" : "v1";
  request.requestId = crypto.randomUUID();
  reply
    .header("X-Request-Id", request.requestId)
    .header("Deprecation", "@1767225600")
    .header("Sunset", "Thu, 31 Dec 2026 23:59:59 GMT")
    .header("Link", '<https://docs.example/v2>; rel="successor-version"');
}

async function count(request, reply) {
  if (!request.side) return;
  requests.inc({ version: request.side, code: reply.statusCode });
  duration.observe({ version: request.side }, Number(process.hrtime.bigint() - request.begun) / 1e9);
}

async function policed(app) {
  app.addHook("onRequest", admit);
  await app.register(require("@fastify/rate-limit"), {
    max: 1e9,
    timeWindow: 60000,
    hook: "preHandler",
    keyGenerator: (request) => request.user.sub,
    cache: 20000,
  });
  app.addHook("onResponse", count);
  await app.register(require("@fastify/http-proxy"), {
    upstream: "",
    undici,
    http2: false,
    preHandler: async () => {},
    replyOptions: {
      getUpstream: (request) => origin[request.side],
      rewriteRequestHeaders: (request, headers) => ({
        ...headers,
        "x-user-id": request.user.sub,
        "x-request-id": request.requestId,
        "x-forwarded-for": request.ip,
      }),
    },
  });
}

(async () => {
  const app = Fastify({ logger: false, keepAliveTimeout: 300000, bodyLimit: 64 << 20, disableRequestLogging: true });
  const verify = { algorithms: ["HS256"], allowedIss: "https://idp.example", allowedAud: "quotes-api", cache: 20000 };
  await app.register(require("@fastify/jwt"), { secret: fs.readFileSync(keyFile, "utf8"), verify });
  app.get("/metrics", async () => prom.register.metrics());
  app.decorateRequest("side", "");
  app.decorateRequest("begun", null);
  app.decorateRequest("requestId", "");
  app.register(policed);
  await app.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
})();
