// How mail for who is away stands, for status lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/time.h"

namespace np2p {

// What came for our user out of guardians' mail since we were last back.
struct Return {
  WallTime at;               // zero: we have not been away, as far as we know
  std::uint64_t events = 0;  // as letters say
  std::uint64_t bytes = 0;
  std::size_t guardians = 0;  // who brought it
};

struct MailStatus {
  std::vector<PubKey> guardians;  // who keep mail for our user
  std::size_t wards = 0;          // for whom we keep mail,
  std::size_t letters = 0;        // how much of it
  std::size_t bytes = 0;
  std::uint64_t posted = 0;   // letters that guardians took for our followers
  std::size_t unposted = 0;   // payloads that wait for some guardian
  std::uint64_t fetched = 0;  // letters that were kept for us and are here now
  Return last_return{};
};

}  // namespace np2p
