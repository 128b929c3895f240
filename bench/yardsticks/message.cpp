// "What one simulated NATed UDP message must cost": msg N M [copy|nocopy]
// N nodes (70 % behind NAT: full-cone / addr-restricted / port-restricted / symmetric), N messages in flight. One event
// = one delivered message:
//  send: uplink busy-until queue, NAT outbound mapping/filter refresh (32-slot table, 30 s timeout), 1 % loss draw
//  (lost -> 1 s retransmit timer event),
//        latency = 10 ms + 2-D coordinate distance (<=~140 ms) + jitter, 200-byte payload copied to a slab slot;
//        receive: downlink busy-until (re-queued if busy), NAT inbound filter check, handler reads payload, updates
//        node, forwards 200 bytes to one of 20 fixed neighbours.
#include <sys/mman.h>
#include <algorithm>
#include "phold.h"
struct Ev {
  uint64_t t, seq;
  uint32_t dst, src;
  uint32_t slot, kind;
};
static_assert(sizeof(Ev) == 32);
static inline bool lt(const Ev& a, const Ev& b) {
  return a.t < b.t || (a.t == b.t && a.seq < b.seq);
}
static void* slab(size_t b) {
  b = (b + (2 << 20) - 1) & ~size_t((2 << 20) - 1);
  void* p = mmap(0, b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  madvise(p, b, MADV_HUGEPAGE);
  return p;
}
struct alignas(64) Chunk {
  uint32_t next, n;
  uint32_t pad[6];
  Ev e[15];
};
struct Ring {
  int W;
  uint64_t nb, mask, curb = 0;
  uint32_t* head;
  Chunk* ch;
  uint32_t top = 1, freeh = 0;
  std::vector<Ev> cur, far;
  size_t pos = 0;
  Ring(uint64_t N) {
    double w = 100e6 / N * 64;
    W = (int)std::log2(w);
    nb = 1;
    while ((nb << W) < 400000000ull) nb <<= 1;
    mask = nb - 1;
    head = (uint32_t*)slab(nb * 4);
    ch = (Chunk*)slab((N / 4 + nb * 2 + 1024) * sizeof(Chunk));
    cur.reserve(4096);
  }
  uint32_t get() {
    if (freeh) {
      uint32_t c = freeh;
      freeh = ch[c].next;
      return c;
    }
    return top++;
  }
  void put(uint64_t k, const Ev& e) {
    uint32_t& h = head[k & mask];
    if (!h || ch[h].n == 15) {
      uint32_t c = get();
      ch[c].next = h;
      ch[c].n = 0;
      h = c;
    }
    ch[h].e[ch[h].n++] = e;
  }
  void push(const Ev& e) {
    uint64_t k = e.t >> W;
    if (k <= curb) {
      cur.insert(std::upper_bound(cur.begin() + pos, cur.end(), e, lt), e);
      return;
    }
    if (k - curb < nb)
      put(k, e);
    else
      far.push_back(e);
  }
  void next() {
    cur.clear();
    pos = 0;
    for (;;) {
      curb++;
      if ((curb & (nb / 8 - 1)) == 0 && !far.empty()) {
        size_t j = 0;
        for (auto& e : far) {
          uint64_t k = e.t >> W;
          if (k - curb < nb)
            put(k, e);
          else
            far[j++] = e;
        }
        far.resize(j);
      }
      uint32_t c = head[curb & mask];
      if (!c) continue;
      head[curb & mask] = 0;
      while (c) {
        Chunk& x = ch[c];
        cur.insert(cur.end(), x.e, x.e + x.n);
        uint32_t nx = x.next;
        x.next = freeh;
        freeh = c;
        c = nx;
      }
      std::sort(cur.begin(), cur.end(), lt);
      return;
    }
  }
};
struct alignas(64) Nd {
  uint64_t rng, cnt, hash, upf, dnf;
  float x, y;
  uint16_t nat;
  uint16_t pad;
  uint32_t natdrop;
  uint64_t filt[32]; /* (remote id<<32 | expiry s) */
};
static uint32_t N, OFF[10];
static uint64_t seq_, now_, lost, natmiss, requeue;
static Nd* nd;
static uint8_t* pool;
static std::vector<uint32_t> fr;
static uint32_t ptop;
static bool COPY = true;
static inline bool filt(Nd& n, uint32_t peer, bool write) {
  uint32_t s = (uint32_t)(now_ / 1000000000ull), i = (peer * 2654435761u) >> 27;
  for (int k = 0; k < 4; k++, i = (i + 1) & 31) {
    uint64_t f = n.filt[i];
    if ((uint32_t)(f >> 32) == peer + 1) {
      if (write)
        n.filt[i] = ((uint64_t)(peer + 1) << 32) | (s + 30);
      else
        return (uint32_t)f >= s;
      return true;
    }
    if (write && (!f || (uint32_t)f < s)) {
      n.filt[i] = ((uint64_t)(peer + 1) << 32) | (s + 30);
      return true;
    }
  }
  if (write) n.filt[i] = ((uint64_t)(peer + 1) << 32) | (s + 30);
  return false;
}
static void send(Ring& q, uint32_t a, uint32_t b, uint32_t slot) {
  Nd& s = nd[a];
  uint64_t st = std::max(now_, s.upf);
  s.upf = st + 242 * 800;
  if (s.nat) filt(s, b, true);
  uint64_t r = smix(s.rng);
  if ((r & 127) == 0) {
    lost++;
    q.push(Ev{now_ + 1000000000ull, seq_++, a, b, slot, 1});
    return;
  }
  Nd& d = nd[b];
  float dx = s.x - d.x, dy = s.y - d.y;
  uint64_t lat = 10000000ull + (uint64_t)(std::sqrt(dx * dx + dy * dy) * 1e8f) + ((r >> 20) & 0xfffff);
  q.push(Ev{st + 242 * 800 + lat, seq_++, b, a, slot, 0});
}
int main(int c, char** v) {
  N = atoi(v[1]);
  uint64_t M = atoll(v[2]);
  if (c > 3 && v[3][0] == 'n') COPY = false;
  long rr = rss_kb();
  nd = (Nd*)slab((uint64_t)N * sizeof(Nd));
  uint64_t g = 42;
  for (auto& o : OFF) o = 1 + smix(g) % (N - 1);
  for (uint32_t i = 0; i < N; i++) {
    Nd& n = nd[i];
    memset(&n, 0, sizeof n);
    n.rng = 1000 + i;
    uint64_t r = smix(n.rng);
    n.x = (r & 0xffff) / 65536.f;
    n.y = ((r >> 16) & 0xffff) / 65536.f;
    uint32_t z = (r >> 32) % 100;
    n.nat = z < 30 ? 0 : z < 45 ? 1 : z < 60 ? 2 : z < 85 ? 3 : 4;
  }
  long r0 = rss_kb();
  pool = (uint8_t*)slab(((uint64_t)N * 3 / 2 + 1024) * 256);
  Ring q(N);
  for (uint32_t i = 0; i < N; i++) {
    now_ = smix(nd[i].rng) % 10000000;
    send(q, i, (i + OFF[i % 10]) % N, ptop++);
  }
  now_ = 0;
  long r1 = rss_kb();
  uint64_t del = 0;
  double t0 = wall();
  while (del < M) {
    if (q.pos == q.cur.size()) q.next();
    if (q.pos + 8 < q.cur.size()) {
      auto& p = q.cur[q.pos + 8];
      char* a = (char*)&nd[p.dst];
      __builtin_prefetch(a, 1);
      __builtin_prefetch(a + 64 + ((((p.src * 2654435761u) >> 27) * 8) & ~63u) - 8, 1);
      __builtin_prefetch(pool + (uint64_t)p.slot * 256);
    }
    Ev e = q.cur[q.pos++];
    now_ = e.t;
    Nd& n = nd[e.dst];
    if (e.kind == 1) {
      send(q, e.dst, e.src, e.slot);
      continue;
    }
    if (n.dnf > now_) {
      requeue++;
      e.t = n.dnf;
      e.seq = seq_++;
      q.push(e);
      continue;
    }
    n.dnf = now_ + 242 * 80;
    if (n.nat > 1 && !filt(n, e.src, false)) {
      natmiss++;
      n.natdrop++;
      filt(n, e.src, true);
    }
    uint8_t* p = pool + (uint64_t)e.slot * 256;
    uint64_t h = 0;
    if (COPY) {
      for (int i = 0; i < 25; i++) {
        uint64_t w;
        memcpy(&w, p + i * 8, 8);
        h += w;
      }
    }
    n.cnt++;
    n.hash = (n.hash ^ now_ ^ h) * 0x9E3779B97F4A7C15ull;
    uint64_t r = smix(n.rng);
    uint32_t o = OFF[(r >> 8) % 10];
    uint32_t dst = (r & 1) ? (e.dst + o) % N : (e.dst + N - o) % N;
    if (COPY) {
      for (int i = 0; i < 25; i++) memcpy(p + i * 8, &r, 8);
    }
    send(q, e.dst, dst, e.slot);
    del++;
  }
  double s = wall() - t0;
  uint64_t cs = 0;
  for (uint32_t i = 0; i < N; i++) cs += nd[i].hash;
  printf(
      "limit NATed UDP msg%s N=%u msgs=%lu msg/s=%.0f ns/msg=%.1f B/node=%.0f B/inflight=%.0f peakMB=%.1f lost=%.2f%% "
      "natmiss=%.2f%% requeue=%.3f%% cs=%016lx\n",
      COPY ? "" : " nopayload", N, (unsigned long)M, M / s, s / M * 1e9, (r0 - rr) * 1024.0 / N, (r1 - r0) * 1024.0 / N,
      peak_kb() / 1024.0, 100.0 * lost / M, 100.0 * natmiss / M, 100.0 * requeue / M, (unsigned long)cs);
}
