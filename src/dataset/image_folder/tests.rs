//! Small folders that a test writes.

use image::{ImageFormat, Rgb, RgbImage};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::dataset::tests::declaration;
use crate::dataset::{Examples, Failure, UNKNOWN, Watch};
use crate::registry::{Registry, Use};
use crate::spec::Normalise;

/// Hears everything.
#[derive(Default)]
struct Heard(std::sync::Mutex<Vec<String>>);

impl Watch for Heard {
    fn progress(&self, doing: &str, done: u64, total: u64) {
        if done == total {
            self.0.lock().unwrap().push(format!("{doing} {total}"));
        }
    }

    fn warn(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_string());
    }
}

/// What is heard of images that were decoded before, and are sound.
const CHECKED: &str = "MB of decoded images checked 1";

/// A data directory with the folder "pets", and a place for what is decoded.
struct Pets {
    directory: TempDir,
    spec: DatasetSpec,
    format: ImageFolder,
    heard: Heard,
}

impl Pets {
    /// Cats are red and 2 × 2, dogs blue and 4 × 2; two cats and a dog to train on, a dog to test.
    fn new() -> Pets {
        let directory = TempDir::new().unwrap();
        let format = serde_json::from_str("{}").unwrap();
        let spec = DatasetSpec {
            classes: 2,
            shape: [3, 2, 2],
            train: 3,
            content: Some(UNKNOWN.into()),
            normalise: Normalise { mean: vec![0.0; 3], std: vec![1.0; 3] },
            ..declaration("pets", Vec::new())
        };
        let pets = Pets { directory, spec, format, heard: Heard::default() };
        pets.png("train/cat/b.png", [2, 2], [200, 0, 0]);
        pets.png("train/cat/a.PNG", [2, 2], [100, 0, 0]);
        pets.png("train/dog/1.png", [4, 2], [0, 0, 50]);
        pets.png("val/dog/2.png", [4, 2], [0, 0, 60]);
        pets
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        let path = self.directory.path().join("data/pets").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn png(&self, name: &str, [width, height]: [u32; 2], colour: [u8; 3]) {
        RgbImage::from_pixel(width, height, Rgb(colour)).save_with_format(self.path(name), ImageFormat::Png).unwrap();
    }

    fn cache(&self) -> Cache {
        Cache(self.directory.path().join("cache"))
    }

    fn read(&self) -> Result<Dataset, String> {
        let directories = [self.directory.path().join("data")];
        let source = Source { spec: &self.spec, directories: &directories, watch: &self.heard };
        self.format.read_with(&source, &self.cache()).map_err(|why| why.to_string())
    }

    /// Declares what is there.
    fn declared(mut self) -> Pets {
        let error = self.read().unwrap_err();
        let content = error.split("content = \"").nth(1).unwrap_or_else(|| panic!("{error}"));
        self.spec.content = Some(content[..64].to_string());
        self.heard = Heard::default();
        self
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.0.lock().unwrap())
    }

    /// Where what is decoded is kept.
    fn images(&self) -> std::path::PathBuf {
        let files = std::fs::read_dir(self.directory.path().join("cache")).unwrap().map(|entry| entry.unwrap().path());
        let mut images: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "images")).collect();
        assert_eq!(images.len(), 1, "{images:?}");
        images.remove(0)
    }
}

#[test]
fn classes_are_in_order_of_their_names_and_examples_of_their_paths() {
    let pets = Pets::new().declared();
    let Dataset { train, test } = pets.read().unwrap();
    let of = |[red, green, blue]: [u8; 3]| [[red; 4], [green; 4], [blue; 4]].concat();
    let pixels = [of([100, 0, 0]), of([200, 0, 0]), of([0, 0, 50])].concat();
    assert_eq!(train, Examples { shape: [3, 2, 2], pixels: pixels.into(), labels: vec![0, 0, 1] });
    assert_eq!(test, Examples { shape: [3, 2, 2], pixels: of([0, 0, 60]).into(), labels: vec![1] });
    assert!(train.pixels.are_mapped());
}

#[test]
fn the_content_is_what_sha256sum_makes_of_the_files() {
    let pets = Pets::new().declared();
    let hash = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let names = ["train/cat/a.PNG", "train/cat/b.png", "train/dog/1.png", "val/dog/2.png"];
    let lines = names.map(|name| format!("{}  {name}\n", hash(&std::fs::read(pets.path(name)).unwrap())));
    assert_eq!(pets.spec.content, Some(hash(lines.concat().as_bytes())));
}

#[test]
fn a_folder_is_decoded_once_and_where_it_was_only_touched_hashed_again() {
    let pets = Pets::new();
    pets.read().unwrap_err();
    assert_eq!(pets.heard(), ["decoding images 4"]);
    let pets = pets.declared();
    let first = pets.read().unwrap();
    assert_eq!(pets.heard(), [CHECKED]);
    let file = std::fs::File::options().write(true).open(pets.path("train/cat/b.png")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(pets.read().unwrap(), first);
    assert_eq!(pets.heard(), [CHECKED, "hashing images 4"]);
    assert_eq!(pets.read().unwrap(), first);
    assert_eq!(pets.heard(), [CHECKED]);
}

#[test]
fn another_content_is_an_error_that_names_what_is_there() {
    let pets = Pets::new().declared();
    pets.png("train/cat/a.PNG", [2, 2], [101, 0, 0]);
    let error = pets.read().unwrap_err();
    let declared = pets.spec.content.clone().unwrap();
    assert!(error.contains(&declared) && error.contains("data/pets is not the declared folder"), "{error}");
    let found = error.split("content = \"").nth(1).unwrap()[..64].to_string();
    let pets = Pets { spec: DatasetSpec { content: Some(found), ..pets.spec.clone() }, ..pets };
    assert_eq!(pets.read().unwrap().train.pixels[0], 101);
}

#[test]
fn other_classes_and_counts_than_declared_are_errors_before_anything_is_decoded() {
    let pets = Pets::new();
    let with = |spec: DatasetSpec| {
        let directories = [pets.directory.path().join("data")];
        let source = Source { spec: &spec, directories: &directories, watch: &pets.heard };
        pets.format.read_with(&source, &pets.cache()).unwrap_err().to_string()
    };
    let error = with(DatasetSpec { classes: 3, ..pets.spec.clone() });
    assert!(error.contains(r#"classes = 3, and train/ has the folders of 2: "cat", "dog""#), "{error}");
    let error = with(DatasetSpec { test: 2, ..pets.spec.clone() });
    assert!(error.contains("test = 2, val/ holds 1: correct `test`"), "{error}");
    assert_eq!(pets.heard(), [""; 0]);
}

#[test]
fn unreadable_images_are_named_and_left_out_only_where_that_is_allowed() {
    let mut pets = Pets::new();
    std::fs::write(pets.path("train/cat/c.jpg"), b"no image").unwrap();
    let whole = std::fs::read(pets.path("train/cat/b.png")).unwrap();
    std::fs::write(pets.path("val/cat/short.png"), &whole[..whole.len() - 20]).unwrap();
    pets.spec = DatasetSpec { train: 4, test: 2, ..pets.spec };
    let error = pets.read().unwrap_err();
    assert!(error.contains("replace them, or") && error.contains("they are left out"), "{error}");
    let named = ["2 images cannot be read", "train/cat/c.jpg", "val/cat/short.png", r#"unreadable = "skip""#];
    assert!(named.iter().all(|part| error.contains(part)), "{error}");

    let mut pets = Pets { format: ImageFolder { unreadable: Unreadable::Skip, ..pets.format }, ..pets }.declared();
    pets.spec = DatasetSpec { train: 3, test: 1, ..pets.spec };
    let dataset = pets.read().unwrap();
    assert_eq!((dataset.train.labels, dataset.test.labels), (vec![0, 0, 1], vec![1]));
    let heard = pets.heard();
    assert!(heard.len() == 2 && heard[1].contains("2 images cannot be read (train/cat/c.jpg: "), "{heard:?}");
    assert!(heard[1].ends_with("), and are left out"), "{heard:?}");
}

#[test]
fn one_unreadable_image_is_told_as_one() {
    let mut pets = Pets::new();
    std::fs::write(pets.path("train/cat/c.jpg"), b"no image").unwrap();
    pets.spec = DatasetSpec { train: 4, ..pets.spec };
    let error = pets.read().unwrap_err();
    assert!(error.contains("1 image cannot be read") && error.contains("replace it, or"), "{error}");
    let mut pets = Pets { format: ImageFolder { unreadable: Unreadable::Skip, ..pets.format }, ..pets }.declared();
    pets.spec = DatasetSpec { train: 3, ..pets.spec };
    pets.read().unwrap();
    assert!(pets.heard()[1].ends_with("), and is left out"));
}

#[test]
fn a_file_that_was_cut_short_or_has_another_bit_is_set_aside_and_made_anew_which_is_said() {
    let pets = Pets::new().declared();
    let first = pets.read().unwrap();
    let path = pets.images();
    let whole = std::fs::read(&path).unwrap();
    let cut = whole[..whole.len() - 1].to_vec();
    let mut foreign = whole.clone();
    foreign[0] ^= 1;
    let mut index = whole.clone();
    *index.last_mut().unwrap() = b' ';
    // The first and the last of the images' 48 bytes.
    let [first_pixel, last_pixel] = [64, 111].map(|at| {
        let mut pixel = whole.clone();
        pixel[at] ^= 1;
        pixel
    });
    let parts = [whole[..64].to_vec(), whole[..10].to_vec(), Vec::new()];
    for damaged in [cut, foreign, index, first_pixel, last_pixel].into_iter().chain(parts) {
        // Another file, since what is mapped must not change.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &damaged).unwrap();
        assert_eq!(pets.read().unwrap(), first);
        let heard = pets.heard();
        let [.., said, decoded] = &heard[..] else { panic!("{heard:?}") };
        assert!(said.contains("decoded images are damaged, and made anew") && said.contains(".damaged"), "{said}");
        assert_eq!(decoded, "decoding images 4");
        assert_eq!(std::fs::read(path.with_extension("damaged")).unwrap(), damaged);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}

#[test]
fn what_a_process_that_is_gone_left_unfinished_is_removed() {
    let pets = Pets::new();
    let left = pets.directory.path().join("cache/unfinished-abc");
    std::fs::create_dir(left.parent().unwrap()).unwrap();
    std::fs::write(&left, "half").unwrap();
    let held = std::fs::File::create(pets.directory.path().join("cache/unfinished-held")).unwrap();
    held.lock().unwrap();
    pets.read().unwrap_err();
    assert!(!left.exists() && pets.directory.path().join("cache/unfinished-held").exists());
}

/// Says, when it is asked, that all is to end.
struct Ends;

impl Watch for Ends {
    fn progress(&self, _: &str, _: u64, _: u64) {}

    fn warn(&self, text: &str) {
        panic!("{text}")
    }

    fn is_stopped(&self) -> bool {
        true
    }
}

#[test]
fn a_reading_that_is_to_end_ends_before_an_image_is_decoded_hashed_or_checked_and_leaves_what_is_kept_as_it_was() {
    let pets = Pets::new();
    let directories = [pets.directory.path().join("data")];
    let ended = |pets: &Pets| {
        let source = Source { spec: &pets.spec, directories: &directories, watch: &Ends };
        assert_eq!(pets.format.read_with(&source, &pets.cache()), Err(Failure::Interrupted));
        std::fs::read_dir(pets.directory.path().join("cache")).unwrap().count()
    };
    assert_eq!(ended(&pets), 0);
    let pets = pets.declared();
    let (first, kept) = (pets.read().unwrap(), std::fs::read(pets.images()).unwrap());
    // The images, and the folder's content.
    assert_eq!(ended(&pets), 2);
    assert_eq!(std::fs::read(pets.images()).unwrap(), kept);
    assert_eq!(pets.read().unwrap(), first);
    assert_eq!(pets.heard(), [CHECKED; 2]);
}

#[test]
fn a_disk_without_room_is_told_before_anything_is_decoded() {
    let Some(Failure::Machine(error)) = Pets::new().cache().writer(u64::MAX).err() else { panic!("a wrong failure") };
    let parts = ["decoded images need 18446744073710 MB", "free", "TOMBOLA_CACHE names another folder"];
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn what_does_not_belong_is_refused_with_its_path() {
    let refused = |name: &str, part: &str| {
        let pets = Pets::new();
        pets.png(name, [2, 2], [0; 3]);
        let error = pets.read().unwrap_err();
        assert!(error.contains(part), "{error}");
    };
    refused("train/3.png", "train/3.png: an image in no class's folder");
    refused("val/cow/3.png", "val/cow: no image of this class is in train/");
    let pets = Pets::new();
    std::fs::write(pets.path("train/cat/notes.txt"), "").unwrap();
    pets.png("train/.cow/1.png", [2, 2], [0; 3]);
    pets.png("train/cat/._a.png", [2, 2], [0; 3]);
    pets.declared().read().unwrap();
    let pets = Pets::new();
    std::fs::remove_dir_all(pets.path("val/x").parent().unwrap()).unwrap();
    assert!(pets.read().unwrap_err().contains("val: there is no such folder"));
    std::fs::create_dir(pets.path("val")).unwrap();
    assert!(pets.read().unwrap_err().contains("val: no CLASS/NAME.png"));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_data_directory_is_refused_and_one_within_is_followed() {
    let pets = Pets::new();
    let outside = pets.directory.path().join("outside.png");
    std::fs::copy(pets.path("train/cat/b.png"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, pets.path("train/cat/c.png")).unwrap();
    assert!(pets.read().unwrap_err().contains("train/cat/c.png: this link leads out of the data directory"));
    std::fs::remove_file(pets.path("train/cat/c.png")).unwrap();
    std::os::unix::fs::symlink(pets.path("train/cat/b.png"), pets.path("train/dog/0.png")).unwrap();
    let mut pets = pets;
    pets.spec.train = 4;
    assert_eq!(pets.declared().read().unwrap().train.labels, [0, 0, 1, 1]);
    let pets = Pets::new();
    let all = pets.directory.path().join("data/pets");
    std::fs::rename(&all, pets.directory.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(pets.directory.path().join("elsewhere"), &all).unwrap();
    assert!(pets.read().unwrap_err().contains("data/pets: this link leads out of the data directory"));
}

#[test]
fn a_folder_that_is_nowhere_is_told_with_every_place() {
    let pets = Pets::new();
    let directories = ["/none/a".into(), "/none/b".into()];
    let source = Source { spec: &pets.spec, directories: &directories, watch: &pets.heard };
    let error = pets.format.read_with(&source, &pets.cache()).unwrap_err().to_string();
    assert!(
        error.contains("/none/a/pets\n") && error.contains("/none/b/pets\n") && error.contains("--data"),
        "{error}"
    );
}

#[test]
fn the_cache_is_where_the_environment_says() {
    let of = |set: &[(&str, &str)]| {
        cache::place(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    };
    let all = [("TOMBOLA_CACHE", "/t"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
    let places = ["/t/images", "/x/tombola/images", "/h/.cache/tombola/images"];
    for (from, place) in places.iter().enumerate() {
        assert_eq!(of(&all[from..]), Ok(place.into()));
    }
    assert!(of(&[("TOMBOLA_CACHE", "")]).unwrap_err().to_string().contains("TOMBOLA_CACHE"));
}

#[test]
fn a_shape_or_size_that_cannot_be_is_refused_with_its_field() {
    let pets = Pets::new();
    let refused = |format: &str, shape: [usize; 3]| {
        let format: ImageFolder = serde_json::from_str(format).unwrap();
        let Refusal { message, field, .. } = format.fits(&DatasetSpec { shape, ..pets.spec.clone() }).unwrap_err();
        (message, field)
    };
    assert!(refused("{}", [2, 8, 8]).0.contains("the declared shape 2"));
    assert_eq!(refused(r#"{"resize": 7}"#, [3, 8, 6]).1, ["resize"]);
    let (message, field) = refused("{}", [3, 8, 100_000]);
    assert!(message == "images of 8×100000 are larger than any that is decoded" && field.is_empty(), "{message}");
    assert_eq!(refused(r#"{"test": "train"}"#, [3, 8, 8]).1, ["test"]);
    assert!(serde_json::from_str::<ImageFolder>(r#"{"train": "../other"}"#).is_err());
    let spec = DatasetSpec { format: Use { name: "image-folder".into(), ..pets.spec.format.clone() }, ..pets.spec };
    assert!(Registry::builtin().formats.build(&spec.format).unwrap().reads_a_folder());
}
