// Common PHOLD ("hold") model. N nodes, N pending events; each event schedules exactly one new event
// at now + 10 ms + Exp(mean 90 ms) (1024-quantile table + 16 random low bits, ns), to a uniformly random node.
#pragma once
#include <sys/resource.h>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
struct alignas(64) Node {
  uint64_t rng, cnt, hash, pad[5];
};
inline int64_t g_tab[1024];
inline void init_tab() {
  for (int i = 0; i < 1024; i++) g_tab[i] = (int64_t)std::floor(-std::log(1.0 - (i + 0.5) / 1024.0) * 90e6);
}
inline uint64_t smix(uint64_t& s) {
  uint64_t z = (s += 0x9E3779B97F4A7C15ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}
inline void touch(Node& n, uint64_t now) {
  n.cnt++;
  n.hash = (n.hash ^ now) * 0x9E3779B97F4A7C15ull;
}
inline void draw(Node& n, uint32_t N, uint64_t& delay, uint32_t& dst) {
  uint64_t x = smix(n.rng);
  delay = 10000000ull + g_tab[x & 1023] + ((x >> 10) & 0xffff);
  dst = (uint32_t)(((x >> 32) * (uint64_t)N) >> 32);
}
inline std::vector<Node> make_nodes(uint32_t N) {
  init_tab();
  std::vector<Node> v(N);
  for (uint32_t i = 0; i < N; i++) {
    v[i] = Node{};
    v[i].rng = 0x1234567ull + i;
  }
  return v;
}
inline uint64_t checksum(std::vector<Node> const& v) {
  uint64_t s = 0, c = 0;
  for (auto& n : v) {
    s += n.hash;
    c += n.cnt;
  }
  return s ^ c;
}
inline long rss_kb() {
  FILE* f = fopen("/proc/self/statm", "r");
  long a = 0, b = 0;
  if (fscanf(f, "%ld %ld", &a, &b) != 2) b = 0;
  fclose(f);
  return b * 4;
}
inline long peak_kb() {
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_maxrss;
}
#include <time.h>
// process CPU time: the machine is shared, wall time is not usable
inline double wall() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
inline double realwall() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
inline void report(const char* name, uint64_t N, uint64_t M, double sec, long kb_fill, uint64_t cs) {
  printf("%-28s N=%-8lu M=%-9lu ev/s=%-12.0f ns/ev=%-9.1f B/pend=%-7.1f peakMB=%-7.1f cs=%016lx\n", name,
         (unsigned long)N, (unsigned long)M, M / sec, sec / M * 1e9, kb_fill * 1024.0 / N, peak_kb() / 1024.0,
         (unsigned long)cs);
  fflush(stdout);
}
