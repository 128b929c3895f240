// Practical limit: ring of time buckets, chunked event slab (512 B chunks of 15 x 32 B PODs), bucket sorted when
// reached, MADV_HUGEPAGE slabs, prefetch of the destination node state K events ahead (the sorted bucket tells who runs
// next).   limit N M [nohuge] [nopf]
#include <sys/mman.h>
#include <algorithm>
#include <string>
#include "phold.h"
struct Ev {
  uint64_t t, seq;
  uint32_t dst, src;
  uint64_t payload;
};
static_assert(sizeof(Ev) == 32);
static inline bool lt(const Ev& a, const Ev& b) {
  return a.t < b.t || (a.t == b.t && a.seq < b.seq);
}
static bool HUGE_ = true, PF = true;
static void* slab(size_t b) {
  b = (b + (2 << 20) - 1) & ~size_t((2 << 20) - 1);
  void* p = mmap(0, b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (HUGE_) madvise(p, b, MADV_HUGEPAGE);
  return p;
}
struct alignas(64) Chunk {
  uint32_t next, n;
  uint32_t pad[6];
  Ev e[15];
};
static_assert(sizeof(Chunk) == 512);
struct Ring {
  int W;
  uint64_t nb, mask, curb = 0, inb = 0;
  uint32_t* head;
  Chunk* ch;
  uint32_t top = 1, freeh = 0;
  std::vector<Ev> cur, far;
  size_t pos = 0;
  Ring(uint64_t N) {
    double w = 100e6 / N * 64;
    W = (int)std::log2(w);
    nb = 1;
    while ((nb << W) < 700000000ull) nb <<= 1;
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
    inb++;
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
        inb -= x.n;
        uint32_t nx = x.next;
        x.next = freeh;
        freeh = c;
        c = nx;
        if (c) __builtin_prefetch(&ch[c]);
      }
      std::sort(cur.begin(), cur.end(), lt);
      return;
    }
  }
};
int main(int c, char** v) {
  uint32_t N = atoi(v[1]);
  uint64_t M = atoll(v[2]);
  for (int i = 3; i < c; i++) {
    if (std::string(v[i]) == "nohuge") HUGE_ = false;
    if (std::string(v[i]) == "nopf") PF = false;
  }
  auto init = make_nodes(N);
  Node* nodes = (Node*)slab(N * sizeof(Node));
  memcpy(nodes, init.data(), N * sizeof(Node));
  {
    std::vector<Node> z;
    z.swap(init);
  }
  long r0 = rss_kb();
  Ring q(N);
  uint64_t seq = 0, d;
  uint32_t dst;
  for (uint32_t i = 0; i < N; i++) {
    draw(nodes[i], N, d, dst);
    q.push(Ev{d, seq++, i, i, 0});
  }
  long r1 = rss_kb();
  double t0 = wall();
  for (uint64_t k = 0; k < M; k++) {
    if (q.pos == q.cur.size()) q.next();
    if (PF && q.pos + 12 < q.cur.size()) __builtin_prefetch(&nodes[q.cur[q.pos + 12].dst], 1);
    Ev e = q.cur[q.pos++];
    Node& n = nodes[e.dst];
    touch(n, e.t);
    draw(n, N, d, dst);
    q.push(Ev{e.t + d, seq++, dst, e.dst, e.payload + 1});
  }
  double s = wall() - t0;
  std::vector<Node> o(nodes, nodes + N);
  char nm[64];
  snprintf(nm, 64, "limit ring%s%s", HUGE_ ? "+huge" : "", PF ? "+prefetch" : "");
  report(nm, N, M, s, r1 - r0, checksum(o));
}
