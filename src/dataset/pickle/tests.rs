//! Pickles as bytes: sound, damaged, endless.

use proptest::prelude::*;

use super::*;

/// Whatever may be asked of a pickle.
fn ask(bytes: &[u8]) -> Result<(), String> {
    let pickle = Pickle::read(bytes)?;
    let value = pickle.get("data")?;
    match pickle.integers(value) {
        Err(why) if why == NO_LIST => pickle.bytes(value).map(drop),
        other => other.map(drop),
    }
}

fn refused(bytes: &[u8], part: &str) {
    let error = ask(bytes).unwrap_err();
    assert!(error.contains(part), "{part:?} is not in {error:?}");
}

#[test]
fn whole_numbers_of_every_length_are_read() {
    let bytes = b"\x80\x02}U\x04data](K\xffM\xff\xffJ\xfe\xff\xff\xff\x8a\x00\x8a\x01\xfd\x8a\x02\0\x80es.";
    let pickle = Pickle::read(bytes).unwrap();
    assert_eq!(pickle.integers(pickle.get("data").unwrap()).unwrap(), [255, 65535, -2, 0, -3, -32768]);
    refused(b"}U\x04data\x8a\x09123456789s.", "more than 64 bits");
}

#[test]
fn what_ends_too_early_is_truncated() {
    let whole = &include_bytes!("../fixtures/ten-2.pickle")[..];
    assert_eq!(ask(whole), Ok(()));
    for end in 0..whole.len() {
        refused(&whole[..end], "");
    }
    refused(b"\x80\x02}X\xff\xff\xff\xffdata", "truncated");
    refused(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "truncated");
}

#[test]
fn a_stack_that_is_too_short_and_a_mark_that_is_missing_are_refused() {
    for bytes in [&b"."[..], b"e.", b"u.", b"t.", b"s.", b"R.", b"b.", b"q\0.", b"h\0.", b"(a.", b"](.", b"]1."] {
        refused(bytes, "");
    }
}

#[test]
fn an_old_protocol_and_numbers_of_numpy_are_refused_with_the_remedy() {
    // pickle.dumps({"data": 1}, 0), and the beginning of a list of numpy's whole numbers, protocol 4, numpy 2.4.
    refused(b"(dp0\nVdata\np1\nI1\ns.", "save it with `protocol=4`");
    refused(b"\x80\x04cnumpy._core.multiarray\nscalar\n)R.", "save lists of whole numbers and arrays of bytes");
}

#[test]
fn a_list_that_holds_itself_is_a_list_of_other_than_numbers() {
    refused(b"}U\x04data]q\0h\0as.", "a list of other than whole numbers");
}

#[test]
fn a_size_that_is_announced_allocates_nothing() {
    let array = |sides: &[u8]| {
        let head = b"}U\x04datacnumpy.core.multiarray\n_reconstruct\n)R(K\x01";
        let tail = b"cnumpy\ndtype\nU\x02u1\x85R\x89U\x02abtbs.";
        [&head[..], sides, tail].concat()
    };
    assert_eq!(ask(&array(b"K\x02\x85")), Ok(()));
    refused(&array(b"J\xff\xff\xff\x7fq\0h\0h\0\x87"), "with 2 bytes");
    refused(&array(b"J\xff\xff\xff\xff\x85"), "negative");
}

proptest! {
    #[test]
    fn whatever_the_bytes_are_there_is_an_answer_or_an_error(
        opcodes in prop::collection::vec(prop::sample::select(&b"\x80\x95(01N\x88J\x8aUX\x8cc\x93)\x85\x86\x87t]}aesuqrh\x94jRb.\x00\x01\n"[..]), 0..60)
    ) {
        let _ = ask(&opcodes);
    }

    #[test]
    fn a_damaged_pickle_gives_an_answer_or_an_error(at in 0usize..378, byte in any::<u8>()) {
        let mut whole = include_bytes!("../fixtures/ten-2.pickle").to_vec();
        whole[at] = byte;
        let _ = ask(&whole);
    }
}
