//! Images whose bytes are known.

use image::{GrayImage, ImageFormat, Rgb, RgbImage, RgbaImage};
use sha2::{Digest, Sha256};

use super::*;

fn decoded(shape: [usize; 3], resize: usize, image: &image::DynamicImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    Decoding { shape, resize }.decode(bytes.get_ref()).unwrap()
}

#[test]
fn the_shorter_side_is_resized_and_the_centre_cut_out() {
    // 2 × 4 pixels, of which a square of 2 is the middle rows.
    let rows = RgbImage::from_fn(2, 4, |_, y| Rgb([y as u8; 3]));
    assert_eq!(decoded([1, 2, 2], 2, &rows.clone().into()), [1, 1, 2, 2]);
    // 5 rows have two middles of 2: torchvision rounds 1.5 to 2.
    let rows = RgbImage::from_fn(2, 5, |_, y| Rgb([y as u8; 3]));
    assert_eq!(decoded([1, 2, 2], 2, &rows.into()), [2, 2, 3, 3]);
    // Half as large by a triangle of two pixels on either side: weights 1, 3, 3, 1 of eight.
    let wide = GrayImage::from_fn(8, 4, |x, _| image::Luma([if x < 4 { 0 } else { 80 }]));
    assert_eq!(decoded([1, 2, 2], 2, &wide.into()), [10, 70, 10, 70]);
}

#[test]
fn grey_becomes_three_channels_colours_one_and_transparency_black() {
    let grey = GrayImage::from_raw(1, 1, vec![7]).unwrap();
    assert_eq!(decoded([3, 1, 1], 1, &grey.into()), [7, 7, 7]);
    let colour = RgbImage::from_raw(1, 1, vec![255, 0, 0]).unwrap();
    // 0.299 × 255 = 76.2.
    assert_eq!(decoded([1, 1, 1], 1, &colour.into()), [76]);
    let clear = RgbaImage::from_raw(1, 1, vec![200, 100, 50, 128]).unwrap();
    // 200 × 128 ÷ 255 = 100.4, 50.2, 25.1.
    assert_eq!(decoded([3, 1, 1], 1, &clear.into()), [100, 50, 25]);
    let sixteen = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(1, 1, vec![0xffff]).unwrap();
    assert_eq!(decoded([1, 1, 1], 1, &sixteen.into()), [255]);
}

#[test]
fn an_image_whose_longer_side_would_be_endless_is_unreadable() {
    let thin = GrayImage::new(1, 60_000);
    let mut bytes = std::io::Cursor::new(Vec::new());
    thin.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let error = Decoding { shape: [3, 224, 224], resize: 256 }.decode(bytes.get_ref()).unwrap_err();
    assert_eq!(error, "1×60000 pixels would be resized to 256×15360000");
}

#[test]
fn what_is_decoded_is_kept_for_the_decoders_that_are_linked() {
    let locked: toml::Table = toml::from_str(include_str!("../../../../Cargo.lock")).unwrap();
    let packages = locked["package"].as_array().unwrap();
    let version = |name: &str| {
        let of_name = packages.iter().filter(|package| package["name"].as_str() == Some(name));
        let versions: Vec<_> = of_name.map(|package| package["version"].as_str().unwrap()).collect();
        assert_eq!(versions.len(), 1, "{name}: {versions:?}");
        format!("{name} {}", versions[0])
    };
    // Whoever updates one of them writes its version there.
    assert_eq!(DECODERS, ["image", "png", "zune-jpeg"].map(version).join(", "));
}

/// A library that decodes other bytes than before asks for another `VERSION`.
#[test]
fn a_pattern_in_jpeg_has_the_bytes_that_it_always_had() {
    let bytes = include_bytes!("../pattern.jpg");
    let planes = Decoding { shape: [3, 24, 24], resize: 32 }.decode(bytes).unwrap();
    let hash: String = Sha256::digest(&planes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "1ad24cc348dbd3f7f7ef399a537d4862da02b88975264e41b71d8e273d35a4b7");
}
