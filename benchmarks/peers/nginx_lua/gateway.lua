-- Verifies HS256 tokens with libcrypto's HMAC, which nginx has loaded anyway, and keeps verified ones; counts requests.
local ffi = require "ffi"
local cjson = require "cjson"
local base64 = require "ngx.base64"
local lru = require "resty.lrucache"
local ngx = ngx

ffi.cdef [[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
unsigned char *HMAC(const EVP_MD *md, const void *key, int key_length, const unsigned char *data, size_t length,
                    unsigned char *to, unsigned int *to_length);
int CRYPTO_memcmp(const void *a, const void *b, size_t length);
]]

local BOUNDS = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 }
local digest = ffi.new("unsigned char[32]")
local cache = lru.new(20000)
local counts = {}

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

local function decoded(part)
  local bytes = base64.decode_base64url(part)
  local ok, value = pcall(cjson.decode, bytes or "")
  return ok and type(value) == "table" and value or nil
end

local function is_signed(key, signed, signature)
  local claimed = base64.decode_base64url(signature)
  if not claimed or #claimed ~= 32 then return false end
  ffi.C.HMAC(ffi.C.EVP_sha256(), key, #key, signed, #signed, digest, nil)
  return ffi.C.CRYPTO_memcmp(digest, claimed, 32) == 0
end

local function verify(key, token)
  local head, body, signature = token:match("^([^.]+)%.([^.]+)%.([^.]+)$")
  if not head then return nil end
  local header = decoded(head)
  if not header or header.alg ~= "HS256" or not is_signed(key, head .. "." .. body, signature) then return nil end
  local claims = decoded(body)
  if not claims or claims.iss ~= "https://idp.example" or claims.aud ~= "quotes-api" then return nil end
  if type(claims.exp) ~= "number" or claims.exp <= ngx.time() then return nil end
  return claims
end

local function deny()
  ngx.status = 401
  ngx.header["WWW-Authenticate"] = "Bearer"
  ngx.say('{"error":"unauthorized"}')
  return ngx.exit(401)
end

local function auth(key)
  local field = ngx.var.http_authorization
  if not field or field:sub(1, 7) ~= "Bearer " then return deny() end
  local token = field:sub(8)
  local claims = cache:get(token)
  if claims and claims.exp <= ngx.time() then claims = nil end
  if not claims then
    claims = verify(key, token)
    if not claims then return deny() end
    cache:set(token, claims, 300)
  end
  ngx.var.uid = claims.sub
  ngx.req.set_header("X-User-Id", claims.sub)
end

local function log()
  local side = ngx.var.upv
  local seen = counts[side]
  if not seen then
    seen = { codes = {}, sum = 0, buckets = {} }
    for i = 1, #BOUNDS + 1 do seen.buckets[i] = 0 end
    counts[side] = seen
  end
  local status, took, i = ngx.status, ngx.now() - ngx.req.start_time(), 1
  seen.codes[status] = (seen.codes[status] or 0) + 1
  seen.sum = seen.sum + took
  while i <= #BOUNDS and took > BOUNDS[i] do i = i + 1 end
  seen.buckets[i] = seen.buckets[i] + 1
end

local function metrics()
  for side, seen in pairs(counts) do
    for status, n in pairs(seen.codes) do
      ngx.say('gw_requests_total{version="', side, '",code="', status, '"} ', n)
    end
    local total = 0
    for i = 1, #BOUNDS + 1 do
      total = total + seen.buckets[i]
      ngx.say('gw_duration_bucket{version="', side, '",le="', BOUNDS[i] or "+Inf", '"} ', total)
    end
  end
end

return function(key_file)
  local key = read(key_file)
  return { auth = function() return auth(key) end, log = log, metrics = metrics }
end
