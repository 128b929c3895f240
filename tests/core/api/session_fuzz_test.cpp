// Whatever a client says, it gets well-formed answers and the node lives.
#include <map>

#include "core/event/json.h"
#include "tests/core/api/client_fixture.h"
#include "tests/fuzz/corpus.h"

namespace np2p {
namespace {

class SessionFuzz : public test::ClientFixture {};

// One message of ours: a list that begins with a known type and ends where it should, all on one line.
bool is_well_formed(const std::string& text) {
  for (const char* type : {"EVENT", "OK", "EOSE", "CLOSED", "NOTICE", "AUTH", "COUNT"}) {
    const std::string begin = "[\"" + std::string(type) + "\",";
    if (text.compare(0, begin.size(), begin) != 0) continue;
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 32; });
    return text.back() == ']' && printable && parse_filter_json("{\"x\":" + text + "}").ok();
  }
  return false;
}

TEST_F(SessionFuzz, AnyBytesGetWellFormedAnswers) {
  std::size_t answers = 0;
  const auto files = fuzz::corpus("client_message");
  fuzz::Mutator mutator(2);
  for (int round = 0; round < 20; ++round) {
    const SessionId session = connect(round % 2 == 0, 0x7F000001 + static_cast<std::uint32_t>(round));
    for (int i = 0; i < 150; ++i) {
      const ByteVec bytes = mutator.mutate(files);
      for (const auto& text : say(session, std::string(text_of(bytes)))) {
        ++answers;
        ASSERT_TRUE(is_well_formed(text)) << text;
      }
    }
    node->session_closed(session);
  }
  EXPECT_GT(answers, 1000u);
  store(note("alive"));
}

}  // namespace
}  // namespace np2p
