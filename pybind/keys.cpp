#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "core/base/limits.h"
#include "core/base/rng.h"
#include "core/crypto/signer.h"
#include "core/crypto/verifier.h"
#include "core/event/canonical.h"
#include "core/event/json.h"
#include "core/event/nip19.h"
#include "core/wire/packet.h"
#include "pybind/bindings.h"

namespace py = pybind11;

namespace np2p::py_bind {
namespace {

std::string repr_of(const Note& note) {
  const Event& event = note.event();
  return "<Note " + event.id.hex().substr(0, 12) + " kind " + std::to_string(event.kind) + " by " +
         event.pubkey.hex().substr(0, 12) + ">";
}

void bind_note(py::module_& module) {
  py::class_<Note>(module, "Note", "A signed event. Compares and hashes by id; str(note) is the id.")
      .def_property_readonly("id", [](const Note& note) { return note.event().id.hex(); })
      .def_property_readonly("author", [](const Note& note) { return note.event().pubkey.hex(); })
      .def_property_readonly("created_at", [](const Note& note) { return note.event().created_at; })
      .def_property_readonly("kind", [](const Note& note) { return note.event().kind; })
      .def_property_readonly("tags", [](const Note& note) { return list_of(note.event().tags); })
      .def_property_readonly("content", [](const Note& note) { return note.event().content; })
      .def_property_readonly("sig", [](const Note& note) { return note.event().sig.hex(); })
      .def_property_readonly(
          "note", [](const Note& note) { return np2p::note(note.event().id); }, "NIP-19 name")
      .def(
          "is_genuine",
          [](const Note& note) {
            const Event& event = note.event();
            static SecpVerifier verifier;  // calls come under the GIL, one at a time
            return compute_id(event) == event.id && verifier.verify(event.id, event.pubkey, event.sig);
          },
          "Is the id the hash of the content, and did the author's key sign it?")
      .def(
          "json", [](const Note& note) { return event_json(note.event()); }, "The event as NIP-01 writes it.")
      .def(
          "__eq__", [](const Note& a, const Note& b) { return a.event().id == b.event().id; }, py::is_operator())
      .def(
          "__ne__", [](const Note& a, const Note& b) { return a.event().id != b.event().id; }, py::is_operator())
      .def("__hash__", [](const Note& note) { return note.event().id.hash(); })
      .def("__str__", [](const Note& note) { return note.event().id.hex(); })
      .def("__repr__", &repr_of);
  module.def(
      "parse_note",
      [](const std::string& json) {
        auto event = parse_event_json(json, Limits{});
        if (!event) throw py::value_error("json is not an event: " + event.error().reason);
        return Note(std::move(event.value()));
      },
      py::arg("json"), "An event from NIP-01's JSON; nothing is verified.");
  module.def(
      "decode_answer",
      [](const py::bytes& answer) {
        const std::string_view view = answer;
        auto events = decode_answer(bytes_of(view), Limits{});
        if (!events) throw py::value_error("answer does not decode: " + events.error().reason);
        std::vector<Note> notes;
        notes.reserve(events.value().size());
        for (auto& event : events.value()) notes.emplace_back(std::move(event));
        return notes;
      },
      py::arg("answer"), "The events in a MessagePack answer to POST /req, in its order.");
}

// pybind11 would answer a number that does not fit with a page of signatures.
std::int64_t whole(const std::string& argument, const py::int_& number, std::int64_t least, std::int64_t most) {
  int overflow = 0;
  const std::int64_t value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0 || value < least || value > most) {
    throw py::value_error(argument + " must be from " + std::to_string(least) + " to " + std::to_string(most) +
                          ", not " + std::string(py::str(py::handle(number))));
  }
  return value;
}

void bind_key(py::module_& module) {
  py::class_<Signer>(module, "Key", "A user's secret key (BIP-340), as a client holds it; servers never see one.")
      .def_static("from_seed", &Signer::from_seed, py::arg("seed"), py::arg("index"))
      .def_static(
          "from_secret",
          [](const std::string& secret) {
            const auto words = parse_nsec(secret);
            if (!words && secret.rfind("nsec", 0) == 0) throw py::value_error("secret: " + words.error().reason);
            auto signer = Signer::from_secret(words ? *words : parse_hex<SecretKey>("secret", secret));
            if (!signer) throw py::value_error("secret is not a secret key: " + signer.error().reason);
            return std::move(signer.value());
          },
          py::arg("secret"))
      .def_property_readonly("public_key", [](const Signer& key) { return key.public_key().hex(); })
      .def_property_readonly("npub", [](const Signer& key) { return npub(key.public_key()); })
      .def_property_readonly("nsec", [](const Signer& key) { return nsec(key.secret()); })
      .def(
          "sign",
          [](const Signer& key, const py::int_& kind, const py::int_& created_at, const TagList& tags,
             const std::string& content) {
            const auto checked_kind = static_cast<std::uint16_t>(whole("kind", kind, 0, 65535));
            // Beyond 2^53 the original's float64 cannot hold it.
            const std::int64_t at = whole("created_at", created_at, 0, std::int64_t{1} << 53);
            return Note(key.sign(checked_kind, at, tags_of(tags), content));
          },
          py::arg("kind"), py::arg("created_at"), py::arg("tags"), py::arg("content"));
}

void bind_rng(py::module_& module) {
  py::class_<Rng>(module, "Rng", "The project's own generator: a seed means the same on every machine.")
      .def(py::init<std::uint64_t, std::string_view, std::uint64_t>(), py::arg("seed"), py::arg("stream"),
           py::arg("index") = 0)
      .def("below", &Rng::below, py::arg("bound"), "Uniform in [0, bound).")
      .def(
          "exponential", [](Rng& rng, double mean) { return seconds_of(rng.exponential(duration_of(mean)).count()); },
          py::arg("mean"), "Seconds until the next of events that come every `mean` seconds.");
}

}  // namespace

void bind_keys(py::module_& module) {
  bind_note(module);
  bind_key(module);
  bind_rng(module);
}

}  // namespace np2p::py_bind
