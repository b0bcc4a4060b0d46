//! The vendor's data centres.

/// Region and host, as the vendor's documents list them.
const REGIONS: [(&str, &str); 9] = [
    ("china", "console.tim.qq.com"),
    ("singapore", "adminapisgp.im.qcloud.com"),
    ("seoul", "adminapikr.im.qcloud.com"),
    ("tokyo", "adminapijpn.im.qcloud.com"),
    ("frankfurt", "adminapiger.im.qcloud.com"),
    ("silicon_valley", "adminapiusa.im.qcloud.com"),
    ("jakarta", "adminapiidn.im.qcloud.com"),
    ("mumbai", "adminapiind.im.qcloud.com"),
    ("saudi_arabia", "adminapiksa.im.qcloud.com"),
];

pub(super) fn host(region: &str) -> Option<&'static str> {
    REGIONS
        .iter()
        .find(|(name, _)| *name == region)
        .map(|(_, host)| *host)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|(name, _)| *name)
}
