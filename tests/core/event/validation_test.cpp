#include "core/event/validation.h"

#include <gtest/gtest.h>

#include "core/crypto/signer.h"
#include "core/crypto/verifier.h"
#include "core/event/canonical.h"
#include "core/event/json.h"
#include "tests/support/vectors.h"

namespace np2p {
namespace {

// Counts how often crypto ran: a refusal for any other reason must not have cost one.
class CountingVerifier final : public Verifier {
 public:
  bool verify(const EventId& id, const PubKey& key, const Signature& sig) override {
    ++calls;
    return real_.verify(id, key, sig);
  }
  int calls = 0;

 private:
  SecpVerifier real_;
};

class Validation : public testing::Test {
 protected:
  Event signed_event(std::string content = "hello", Tags tags = {}, std::uint16_t kind = 1, std::int64_t at = 1) {
    return signer_.sign(kind, at, std::move(tags), std::move(content));
  }
  ErrorCode refusal(const Event& event) {
    const auto result = ValidationGate::validate(event, limits_, verifier_);
    EXPECT_FALSE(result.ok());
    return result.ok() ? ErrorCode::count_ : result.error().code;
  }
  bool accepts(const Event& event) { return ValidationGate::validate(event, limits_, verifier_).ok(); }

  Signer signer_ = Signer::from_seed(1, 1);
  Limits limits_;
  CountingVerifier verifier_;
};

TEST_F(Validation, GoldenEventsPass) {
  int large = 0;
  const std::size_t usual = limits_.event_bytes;
  for (const auto& golden : test::golden_events()) {
    // The original has no bound.
    if (event_json(golden.event).size() > usual) {
      limits_.event_bytes = usual;
      EXPECT_EQ(refusal(golden.event), ErrorCode::too_large) << golden.name;
      limits_.event_bytes = limits_.list_bytes;
      ++large;
    }
    const auto event = ValidationGate::validate(golden.event, limits_, verifier_);
    ASSERT_TRUE(event.ok()) << golden.name << ": " << event.error().reason;
    EXPECT_EQ(event->get(), golden.event);
  }
  EXPECT_EQ(large, 1);
}

TEST_F(Validation, WhatTheOriginalAnsweredToPublish) {
  simdjson::dom::parser parser;
  int valid = 0;
  for (const simdjson::dom::element entry : test::load_vector(parser, "nostrp2p-go/http_answers.json")) {
    if (test::text_at(entry, "method") != "POST" || test::text_at(entry, "path") != "/publish") continue;
    const std::string body = test::text_at(entry, "request_body");
    const std::string name = test::text_at(entry, "name");
    if (body.find("bytes)") != std::string::npos) continue;  // shortened in the file
    const auto event = parse_event_json(body, limits_);
    const bool ok = event.ok() && accepts(*event);
    bool expected = std::int64_t{entry["status"]} == 200;
    if (name.find("forged id") != std::string::npos || name.find("short id") != std::string::npos) expected = false;
    // Refused by the original for other reasons than the event: its content type, or the rules of the api.
    if (name == "publish no content type" || name == "publish text/plain" || name == "publish kind1 empty content") {
      expected = true;
    }
    EXPECT_EQ(ok, expected) << name;
    valid += ok ? 1 : 0;
  }
  EXPECT_GT(valid, 15);
}

TEST_F(Validation, OneChangedByteAnywhereIsRefused) {
  Tags tags;
  tags.add({"t", "news"});
  const Event good = signed_event("hello", tags);
  ASSERT_TRUE(accepts(good));
  Event bad = good;
  bad.content = "hellp";
  EXPECT_EQ(refusal(bad), ErrorCode::bad_id);
  bad = good;
  bad.created_at = 2;
  EXPECT_EQ(refusal(bad), ErrorCode::bad_id);
  bad = good;
  bad.kind = 2;
  EXPECT_EQ(refusal(bad), ErrorCode::bad_id);
  bad = good;
  bad.tags = {};
  EXPECT_EQ(refusal(bad), ErrorCode::bad_id);
  bad = good;
  bad.pubkey = Signer::from_seed(1, 2).public_key();
  EXPECT_EQ(refusal(bad), ErrorCode::bad_id);
  bad = good;
  bad.id.data[0] ^= 1;
  EXPECT_EQ(refusal(bad), ErrorCode::bad_id);
  EXPECT_EQ(verifier_.calls, 1);
  for (std::size_t i = 0; i < 64; ++i) {
    bad = good;
    bad.sig.data[i] ^= 0x10;
    EXPECT_EQ(refusal(bad), ErrorCode::bad_signature);
  }
}

TEST_F(Validation, AnotherUsersSignatureIsRefused) {
  Event event = signed_event();
  event.sig = Signer::from_seed(1, 2).sign_hash(event.id);
  EXPECT_EQ(refusal(event), ErrorCode::bad_signature);
}

TEST_F(Validation, LimitsComeBeforeCrypto) {
  limits_.event_bytes = 2000;
  limits_.event_tags = 2;
  limits_.tag_values = 3;
  Tags many;
  for (int i = 0; i < 3; ++i) many.add({"t", "x"});
  Tags wide;
  wide.add({"t", "1", "2", "3"});
  Tags large;
  large.add({"t", std::string(2000, 'x')});
  EXPECT_EQ(refusal(signed_event(std::string(2000, 'x'))), ErrorCode::too_large);
  EXPECT_EQ(refusal(signed_event(std::string(1000, '\x01'))), ErrorCode::too_large);  // 6000 bytes once escaped
  EXPECT_EQ(refusal(signed_event("x", large)), ErrorCode::too_large);
  EXPECT_EQ(refusal(signed_event("x", many)), ErrorCode::too_large);
  EXPECT_EQ(refusal(signed_event("x", wide)), ErrorCode::too_large);
  EXPECT_EQ(verifier_.calls, 0);
}

TEST_F(Validation, WhatPassesFitsEveryEncoding) {
  limits_.event_bytes = 3000;
  std::string largest;
  for (std::size_t size = 2000; size < 3000; ++size) {
    if (!accepts(signed_event(std::string(size, 'x')))) break;
    largest.assign(size, 'x');
  }
  ASSERT_GT(largest.size(), 2300u);
  EXPECT_LE(event_json(signed_event(largest)).size(), limits_.event_bytes);
}

// `bytes` of JSON to the byte.
Event of_size(const Signer& signer, std::uint16_t kind, std::size_t bytes, std::size_t tags = 0) {
  Tags list;
  for (std::size_t i = 0; i < tags; ++i) list.add({"p", "x"});
  const std::size_t frame = event_json(signer.sign(kind, 1, list, "")).size();
  return signer.sign(kind, 1, std::move(list), std::string(bytes - frame, 'x'));
}

TEST_F(Validation, AnEventHas64KiBAndAListFourTimesThat) {
  for (const std::uint16_t k :
       std::vector<std::uint16_t>{0, 1, 7, 1059, 10103, 10848, 30023, 30024, 30031, 30078, 65535}) {
    EXPECT_FALSE(kind::is_list(k)) << k;
  }
  for (const std::uint16_t k :
       std::vector<std::uint16_t>{3, 10000, 10002, 10003, 10030, 10102, 30000, 30003, 30030, 39089, 39092}) {
    EXPECT_TRUE(kind::is_list(k)) << k;
  }
  for (const std::uint16_t k : std::vector<std::uint16_t>{1, 30023}) {
    EXPECT_TRUE(accepts(of_size(signer_, k, 64 * 1024))) << k;
    EXPECT_EQ(refusal(of_size(signer_, k, 64 * 1024 + 1)), ErrorCode::too_large) << k;
    EXPECT_TRUE(accepts(of_size(signer_, k, 60'000, 2000))) << k;
    EXPECT_EQ(refusal(of_size(signer_, k, 60'000, 2001)), ErrorCode::too_large) << k;
  }
  for (const std::uint16_t k : std::vector<std::uint16_t>{3, 10000, 30000}) {
    EXPECT_TRUE(accepts(of_size(signer_, k, 256 * 1024))) << k;
    EXPECT_EQ(refusal(of_size(signer_, k, 256 * 1024 + 1)), ErrorCode::too_large) << k;
    EXPECT_TRUE(accepts(of_size(signer_, k, 200'000, 3500))) << k;
    EXPECT_EQ(refusal(of_size(signer_, k, 200'000, 3501)), ErrorCode::too_large) << k;
  }
}

TEST_F(Validation, WhatAStoreHasIsServedWhateverItsSize) {
  EXPECT_TRUE(ValidationGate::trusted(of_size(signer_, 1, 128 * 1024, 4096)).ok());
}

TEST_F(Validation, HowItWasWrittenIsKeptWhereItDiffers) {
  const Event event = signed_event("h\xc3\xa4llo");
  const std::string usual = event_json(event);
  const auto kept = [&](const std::string& text) {
    const auto valid = ValidationGate::validate(event, limits_, verifier_, text);
    EXPECT_TRUE(valid.ok());
    return valid.ok() ? event_json(*valid) : "";
  };
  EXPECT_EQ(kept(""), usual);
  EXPECT_EQ(kept(usual), usual);
  EXPECT_TRUE(ValidationGate::validate(event, limits_, verifier_, usual)->written().empty());
  std::string spelled = usual;
  spelled.replace(spelled.find("\xc3\xa4"), 2, "\\u00e4");
  EXPECT_EQ(kept(spelled), spelled);
  const std::string lines = "{\r\n" + spelled.substr(1);
  EXPECT_EQ(kept(lines), lines);
  const auto valid = ValidationGate::validate(event, limits_, verifier_, lines);
  EXPECT_EQ(event_line(*valid), "{  " + spelled.substr(1)) << "one line in a file";
  // White space alone may be longer than an event; then it is not worth keeping.
  EXPECT_EQ(kept("{" + std::string(limits_.event_bytes, ' ') + usual.substr(1)), usual);
}

// A host of many nodes shares what is known to be good; what one client wrote is nothing to the others.
TEST_F(Validation, HowItWasWrittenIsNotShared) {
  class Remembering final : public Verifier {
   public:
    bool verify(const EventId&, const PubKey&, const Signature&) override { return true; }
    EventPtr known(const Event& claim) override { return kept && *kept == claim ? kept : EventPtr(); }
    void keep(const EventPtr& event) override { kept = event; }
    EventPtr kept;
  };
  Remembering verifier;
  const Event event = signed_event();
  const std::string spaced = "{ " + event_json(event).substr(1);
  EXPECT_EQ(event_json(*ValidationGate::validate(event, limits_, verifier, spaced)), spaced);
  EXPECT_EQ(event_json(*ValidationGate::validate(event, limits_, verifier)), event_json(event));
  EXPECT_EQ(event_json(*ValidationGate::validate(event, limits_, verifier, spaced)), spaced);
  EXPECT_EQ(event_json(*ValidationGate::validate(event, limits_, verifier)), event_json(event));
}

TEST_F(Validation, KindsAndTimes) {
  EXPECT_EQ(refusal(signed_event("x", {}, 40000)), ErrorCode::bad_kind);
  EXPECT_TRUE(accepts(signed_event("x", {}, 39999)));
  EXPECT_TRUE(accepts(signed_event("x", {}, 65535)));
  EXPECT_EQ(refusal(signed_event("x", {}, 1, -1)), ErrorCode::bad_time);
  EXPECT_EQ(refusal(signed_event("x", {}, 1, (std::int64_t{1} << 53) + 1)), ErrorCode::bad_time);
  EXPECT_EQ(refusal(signed_event("x", {}, 1, INT64_MAX)), ErrorCode::bad_time);
  EXPECT_TRUE(accepts(signed_event("x", {}, 1, std::int64_t{1} << 53)));
  EXPECT_TRUE(accepts(signed_event("x", {}, 1, 0)));
}

TEST_F(Validation, TextMustBeUtf8) {
  const std::string long_one = std::string(100, 'a').append("\xc3");
  const std::vector<std::string_view> broken{
      "\xff", "a\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe3\x81", long_one};
  for (const std::string_view text : broken) {
    EXPECT_EQ(refusal(signed_event(std::string(text))), ErrorCode::bad_field);
    Tags tags;
    tags.add({"t", text});
    EXPECT_EQ(refusal(signed_event("x", tags)), ErrorCode::bad_field);
  }
  EXPECT_TRUE(accepts(signed_event(std::string("\0 is a character", 16))));
  EXPECT_EQ(verifier_.calls, 1);
}

TEST_F(Validation, ACharacterSplitBetweenTwoTagValuesIsNotUtf8) {
  Tags tags;
  tags.add({"t", "\xe3\x81", "\x93"});  // valid only when put together
  EXPECT_EQ(refusal(signed_event("x", tags)), ErrorCode::bad_field);
  Tags across;
  across.add({"t", "\xc3"});
  across.add({"\xa9"});
  EXPECT_EQ(refusal(signed_event("x", across)), ErrorCode::bad_field);
  Tags whole;
  whole.add({"t", "\xe3\x81\x93", ""});
  EXPECT_TRUE(accepts(signed_event("x", whole)));
}

TEST_F(Validation, AnEmptyTagIsRefused) {
  Tags tags;
  tags.begin_tag();
  EXPECT_EQ(refusal(signed_event("x", tags)), ErrorCode::bad_field);
  Tags nameless;
  nameless.add({""});
  EXPECT_TRUE(accepts(signed_event("x", nameless)));
}

TEST_F(Validation, TrustedNoticesARottenRow) {
  Event event = signed_event();
  EXPECT_TRUE(ValidationGate::trusted(event).ok());
  event.content += "!";
  const auto rotten = ValidationGate::trusted(event);
  ASSERT_FALSE(rotten.ok());
  EXPECT_EQ(rotten.error().code, ErrorCode::bad_id);
}

}  // namespace
}  // namespace np2p
